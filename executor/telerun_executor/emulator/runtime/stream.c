/* Streams. */
#include <pthread.h>
#include <stdlib.h>

#include "device_limits.h"
#include "output.h"
#include "report.h"
#include "stream.h"

#define STREAM_MAGIC 0x5354524du

pthread_mutex_t emu_streams_lock = PTHREAD_MUTEX_INITIALIZER;
struct CUstream_st *emu_streams;
static _Atomic unsigned long long last_id = 2;
static struct CUstream_st legacy = {.magic = STREAM_MAGIC, .id = 1}, per_thread = {.magic = STREAM_MAGIC, .id = 2};

struct CUstream_st *emu_stream(cudaStream_t handle)
{
    if (handle == NULL || handle == cudaStreamLegacy)
        return &legacy;
    if (handle == cudaStreamPerThread)
        return &per_thread;
    struct CUstream_st *found;
    pthread_mutex_lock(&emu_streams_lock);
    for (found = emu_streams; found != NULL && found != handle; found = found->next) {
    }
    pthread_mutex_unlock(&emu_streams_lock);
    return found;
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
    *stream = (struct CUstream_st){
        .magic = STREAM_MAGIC, .flags = flags, .priority = priority, .device = emu_current_device(), .id = ++last_id};
    pthread_mutex_lock(&emu_streams_lock);
    stream->next = emu_streams;
    emu_streams = stream;
    pthread_mutex_unlock(&emu_streams_lock);
    *handle = stream;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamCreate(cudaStream_t *stream) { return make(stream, 0, 0); }
EXPORT cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) { return make(stream, flags, 0); }

EXPORT cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority)
{
    return make(stream, flags, priority);
}

EXPORT cudaError_t cudaStreamDestroy(cudaStream_t handle)
{
    ENTER_STREAM(stream, handle);
    if (stream == &legacy || stream == &per_thread)
        return emu_return(cudaErrorInvalidResourceHandle);
    pthread_mutex_lock(&emu_streams_lock);
    struct CUstream_st **link = &emu_streams;
    while (*link != stream)
        link = &(*link)->next;
    *link = stream->next;
    pthread_mutex_unlock(&emu_streams_lock);
    if (stream->began)
        emu_capture_ended();
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
EXPORT cudaError_t cudaStreamSetAttribute(cudaStream_t handle, cudaLaunchAttributeID id,
                                          const cudaLaunchAttributeValue *value)
{
    ENTER_STREAM(stream, handle);
    if (id == cudaLaunchAttributePriority)
        stream->priority = value->priority;
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamGetAttribute(cudaStream_t handle, cudaLaunchAttributeID id,
                                          cudaLaunchAttributeValue *value)
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

typedef struct Callback {
    cudaStreamCallback_t function;
    cudaStream_t stream;
    void *data;
} Callback;

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
