/* Streams and capture. */
#include <pthread.h>
#include <stdlib.h>

#include "device_limits.h"
#include "event.h"
#include "graph.h"
#include "output.h"
#include "report.h"
#include "stream.h"

#define STREAM_MAGIC 0x5354524du

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct CUstream_st *streams;
static _Atomic unsigned long long last_id = 2, last_capture;
static _Atomic int captures;
static struct CUstream_st legacy = {.magic = STREAM_MAGIC, .id = 1}, per_thread = {.magic = STREAM_MAGIC, .id = 2};

struct CUstream_st *emu_stream(cudaStream_t handle)
{
    if (handle == NULL || handle == cudaStreamLegacy)
        return &legacy;
    if (handle == cudaStreamPerThread)
        return &per_thread;
    struct CUstream_st *found;
    pthread_mutex_lock(&lock);
    for (found = streams; found != NULL && found != handle; found = found->next) {
    }
    pthread_mutex_unlock(&lock);
    return found;
}

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

static cudaError_t make(cudaStream_t *handle, unsigned flags, int priority)
{
    ENTER;
    if (handle == NULL || flags > cudaStreamNonBlocking)
        return emu_return(cudaErrorInvalidValue);
    struct CUstream_st *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    priority = priority < -5 ? -5 : priority > 0 ? 0 : priority;
    *stream = (struct CUstream_st){.magic = STREAM_MAGIC, .flags = flags, .priority = priority, .device = emu_current_device(), .id = ++last_id};
    pthread_mutex_lock(&lock);
    stream->next = streams;
    streams = stream;
    pthread_mutex_unlock(&lock);
    *handle = stream;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamCreate(cudaStream_t *stream) { return make(stream, 0, 0); }
EXPORT cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) { return make(stream, flags, 0); }

EXPORT cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority)
{
    return make(stream, flags, priority);
}

/* Enters a call on a stream that exists, and gives the stream. */
#define ENTER_STREAM(stream, handle)                                                                                           \
    struct CUstream_st *stream = emu_stream(handle);                                                                           \
    ENTER;                                                                                                                     \
    if (stream == NULL)                                                                                                        \
        return emu_return(cudaErrorInvalidResourceHandle)

EXPORT cudaError_t cudaStreamDestroy(cudaStream_t handle)
{
    ENTER_STREAM(stream, handle);
    if (stream == &legacy || stream == &per_thread)
        return emu_return(cudaErrorInvalidResourceHandle);
    pthread_mutex_lock(&lock);
    struct CUstream_st **link = &streams;
    while (*link != stream)
        link = &(*link)->next;
    *link = stream->next;
    pthread_mutex_unlock(&lock);
    if (stream->began)
        captures--;
    free(stream->front);
    free(stream);
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamSynchronize(cudaStream_t handle)
{
    emu_output_flush();
    ENTER_STREAM(stream, handle);
    return emu_return(stream->recording != NULL ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
}

EXPORT cudaError_t cudaStreamQuery(cudaStream_t handle)
{
    ENTER_STREAM(stream, handle);
    return emu_return(stream->recording != NULL ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
}

EXPORT cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned *flags)
{
    ENTER_STREAM(stream, handle);
    *flags = stream->flags;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamGetPriority(cudaStream_t handle, int *priority)
{
    ENTER_STREAM(stream, handle);
    *priority = stream->priority;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamGetId(cudaStream_t handle, unsigned long long *id)
{
    ENTER_STREAM(stream, handle);
    *id = stream->id;
    return cudaSuccess;
}

#if CUDART_VERSION >= 12080
EXPORT cudaError_t cudaStreamGetDevice(cudaStream_t handle, int *device)
{
    ENTER_STREAM(stream, handle);
    *device = stream->device;
    return cudaSuccess;
}
#endif

EXPORT cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    ENTER;
    if (least != NULL)
        *least = 0;
    if (greatest != NULL)
        *greatest = -5;
    return cudaSuccess;
}

/* Attributes (access windows, priorities, ...) change nothing here. */
EXPORT cudaError_t cudaStreamSetAttribute(cudaStream_t handle, cudaLaunchAttributeID id, const cudaLaunchAttributeValue *value)
{
    ENTER_STREAM(stream, handle);
    if (id == cudaLaunchAttributePriority)
        stream->priority = value->priority;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamGetAttribute(cudaStream_t handle, cudaLaunchAttributeID id, cudaLaunchAttributeValue *value)
{
    ENTER_STREAM(stream, handle);
    memset(value, 0, sizeof *value);
    if (id == cudaLaunchAttributePriority)
        value->priority = stream->priority;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamCopyAttributes(cudaStream_t to, cudaStream_t from)
{
    ENTER_STREAM(target, to);
    struct CUstream_st *source = emu_stream(from);
    if (source == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    target->priority = source->priority;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamAttachMemAsync(cudaStream_t handle, void *memory, size_t bytes, unsigned flags)
{
    (void)memory, (void)bytes, (void)flags;
    ENTER_STREAM(stream, handle);
    (void)stream;
    return cudaSuccess;
}

typedef struct Callback { cudaStreamCallback_t function; cudaStream_t stream; void *data; } Callback;

static void call_back(void *raw)
{
    Callback *callback = raw;
    emu_output_flush();
    callback->function(callback->stream, emu_enter(), callback->data);
    free(callback);
}

EXPORT cudaError_t cudaStreamAddCallback(cudaStream_t handle, cudaStreamCallback_t function, void *data, unsigned flags)
{
    ENTER_STREAM(stream, handle);
    if (flags != 0 || stream->recording != NULL)
        return emu_return(flags != 0 ? cudaErrorInvalidValue : cudaErrorStreamCaptureUnsupported);
    Callback *callback = malloc(sizeof *callback);
    if (callback == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    *callback = (Callback){function, handle, data};
    call_back(callback);
    return cudaSuccess;
}

EXPORT cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void *data)
{
    ENTER_STREAM(stream, handle);
    (void)stream;
    return emu_return(emu_submit(handle, (Operation){.kind = DO_CALL, .call = {function, data}}, "cudaLaunchHostFunc"));
}

/* --- Capture --------------------------------------------------------------------------------------------------------- */

static cudaError_t begin(cudaStream_t handle, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count)
{
    ENTER_STREAM(stream, handle);
    if (stream == &legacy)
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
                                                 const cudaGraphEdgeData *edges, size_t count, enum cudaStreamCaptureMode mode)
{
    (void)mode, (void)edges;
    return begin(handle, graph, before, count);
}

/* Whether a captured node has a successor or is what the ending stream stands at: other ends were never joined. */
static bool is_joined(const struct CUstream_st *stream)
{
    bool joined = true;
    pthread_mutex_lock(&lock);
    for (const struct CUstream_st *other = streams; other != NULL; other = other->next) {
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
    pthread_mutex_unlock(&lock);
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
    pthread_mutex_lock(&lock);
    for (struct CUstream_st *other = streams; other != NULL; other = other->next)
        if (other != stream && other->recording == made)
            other->recording = NULL;
    pthread_mutex_unlock(&lock);
    stream->recording = NULL;
    stream->began = false;
    captures--;
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
EXPORT cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, enum cudaStreamCaptureStatus *status, unsigned long long *id,
                                            cudaGraph_t *graph, const cudaGraphNode_t **before, const cudaGraphEdgeData **edges,
                                            size_t *count)
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
