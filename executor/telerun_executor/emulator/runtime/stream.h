/* Streams: work is done when it is submitted, unless the stream is recording a graph. */
#ifndef TELERUN_STREAM_H
#define TELERUN_STREAM_H

#include <pthread.h>

#include "operation.h"

struct CUstream_st {
    uint32_t magic;                     /* STREAM_MAGIC while it lives */
    unsigned flags;
    int priority, device;
    uint64_t id;
    cudaGraph_t recording;              /* NULL outside a capture */
    bool began;                         /* here, not joined through an event */
    unsigned long long capture_id;
    cudaGraphNode_t *front;             /* what the next node depends on */
    size_t front_count;
    struct CUstream_st *next;           /* all streams */
};

extern pthread_mutex_t emu_streams_lock;
extern struct CUstream_st *emu_streams;

/* The stream behind a handle, also behind 0, 1 and 2; NULL for a destroyed one. */
struct CUstream_st *emu_stream(cudaStream_t handle);
bool emu_stream_is_capturing(cudaStream_t handle);
cudaError_t emu_stream_capture(cudaStream_t handle, Operation operation);
cudaError_t emu_stream_set_front(struct CUstream_st *stream, const cudaGraphNode_t *nodes, size_t count, bool append);

/* A call that a capture forbids (cudaDeviceSynchronize, cudaMalloc of the legacy stream, ...). */
bool emu_is_any_capturing(void);
void emu_capture_ended(void);

/* Enters a call on a stream that exists, and gives the stream. */
#define ENTER_STREAM(stream, handle)                                                                                           \
    struct CUstream_st *stream = emu_stream(handle);                                                                           \
    ENTER;                                                                                                                     \
    if (stream == NULL)                                                                                                        \
        return emu_return(cudaErrorInvalidResourceHandle)

#endif
