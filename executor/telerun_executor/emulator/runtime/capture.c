/* Capture: what streams are asked to do becomes a graph instead of being done. */
#include <stdlib.h>

#include "graph.h"
#include "stream.h"

static _Atomic unsigned long long last_capture;
static _Atomic int captures;

void emu_capture_ended(void) { captures--; }

bool emu_is_any_capturing(void) { return captures > 0; }

bool emu_stream_is_capturing(cudaStream_t handle)
{
    if (captures == 0)
        return false;
    struct CUstream_st *stream = emu_stream(handle);
    return stream != NULL && stream->recording != NULL;
}

cudaError_t emu_stream_set_front(struct CUstream_st *stream, const cudaGraphNode_t *nodes, size_t count, bool append)
{
    size_t kept = append ? stream->front_count : 0;
    cudaGraphNode_t *front = malloc((kept + count + 1) * sizeof *front);
    if (front == NULL)
        return cudaErrorMemoryAllocation;
    if (kept > 0)
        memcpy(front, stream->front, kept * sizeof *front);
    if (count > 0)
        memcpy(front + kept, nodes, count * sizeof *front);
    free(stream->front);
    stream->front = front;
    stream->front_count = kept + count;
    return cudaSuccess;
}

cudaError_t emu_stream_capture(cudaStream_t handle, Operation operation)
{
    struct CUstream_st *stream = emu_stream(handle);
    cudaGraphNode_t node = emu_graph_add(stream->recording, operation, stream->front, stream->front_count);
    if (node == NULL)
        return cudaErrorMemoryAllocation;
    return emu_stream_set_front(stream, &node, 1, false);
}

static cudaError_t begin(cudaStream_t handle, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count)
{
    ENTER_STREAM(stream, handle);
    if (stream == emu_stream(NULL))    /* the default stream */
        return emu_return(cudaErrorStreamCaptureUnsupported);
    if (stream->recording != NULL)
        return emu_return(cudaErrorIllegalState);
    if (graph == NULL && cudaGraphCreate(&graph, 0) != cudaSuccess)
        return emu_return(cudaErrorMemoryAllocation);
    stream->recording = graph;
    stream->began = true;
    stream->capture_id = ++last_capture;
    captures++;
    return emu_return(emu_stream_set_front(stream, before, count, false));
}

EXPORT cudaError_t cudaStreamBeginCapture(cudaStream_t handle, enum cudaStreamCaptureMode mode)
{
    (void)mode;
    return begin(handle, NULL, NULL, 0);
}

EXPORT cudaError_t cudaStreamBeginCaptureToGraph(cudaStream_t handle, cudaGraph_t graph, const cudaGraphNode_t *before,
                                                 const cudaGraphEdgeData *edges, size_t count,
                                                 enum cudaStreamCaptureMode mode)
{
    (void)mode, (void)edges;
    return begin(handle, graph, before, count);
}

/* Whether a captured node has a successor or is what the ending stream stands at: other ends were never joined. */
static bool is_joined(const struct CUstream_st *stream)
{
    bool joined = true;
    pthread_mutex_lock(&emu_streams_lock);
    for (const struct CUstream_st *other = emu_streams; other != NULL; other = other->next) {
        if (other == stream || other->recording != stream->recording)
            continue;
        for (size_t i = 0; i < other->front_count; i++) {
            bool has_successor = false;
            for (size_t n = 0; n < stream->recording->count; n++)
                for (size_t b = 0; b < stream->recording->nodes[n]->before_count; b++)
                    has_successor |= stream->recording->nodes[n]->before[b] == other->front[i];
            for (size_t f = 0; f < stream->front_count; f++)
                has_successor |= stream->front[f] == other->front[i];
            joined &= has_successor;
        }
    }
    pthread_mutex_unlock(&emu_streams_lock);
    return joined;
}

EXPORT cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t *graph)
{
    ENTER_STREAM(stream, handle);
    if (stream->recording == NULL)
        return emu_return(cudaErrorIllegalState);
    if (!stream->began)
        return emu_return(cudaErrorStreamCaptureUnmatched);
    cudaGraph_t made = stream->recording;
    bool joined = is_joined(stream);
    pthread_mutex_lock(&emu_streams_lock);
    for (struct CUstream_st *other = emu_streams; other != NULL; other = other->next)
        if (other != stream && other->recording == made)
            other->recording = NULL;
    pthread_mutex_unlock(&emu_streams_lock);
    stream->recording = NULL;
    stream->began = false;
    emu_capture_ended();
    if (!joined) {
        *graph = NULL;
        return emu_return(cudaErrorStreamCaptureUnjoined);
    }
    *graph = made;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamIsCapturing(cudaStream_t handle, enum cudaStreamCaptureStatus *status)
{
    ENTER_STREAM(stream, handle);
    *status = stream->recording != NULL ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

#if CUDART_VERSION >= 13000
EXPORT cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, enum cudaStreamCaptureStatus *status,
                                            unsigned long long *id, cudaGraph_t *graph, const cudaGraphNode_t **before,
                                            const cudaGraphEdgeData **edges, size_t *count)
{
    ENTER_STREAM(stream, handle);
    *status = stream->recording != NULL ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    if (id != NULL)
        *id = stream->capture_id;
    if (graph != NULL)
        *graph = stream->recording;
    if (before != NULL)
        *before = stream->front;
    if (edges != NULL)
        *edges = NULL;
    if (count != NULL)
        *count = stream->front_count;
    return cudaSuccess;
}
#endif

EXPORT cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode)
{
    static _Thread_local enum cudaStreamCaptureMode current = cudaStreamCaptureModeGlobal;
    enum cudaStreamCaptureMode before = current;
    current = *mode;
    *mode = before;
    return cudaSuccess;
}
