/* Events: a time taken when the stream came to them, which is when they were recorded. */
#include <stdlib.h>
#include <time.h>

#include "event.h"
#include "graph.h"
#include "output.h"
#include "stream.h"

#define EVENT_MAGIC 0x45564e54u

static bool is_alive(cudaEvent_t event) { return event != NULL && event->magic == EVENT_MAGIC; }

void emu_event_record(cudaEvent_t event)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    event->at_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    event->is_recorded = true;
}

EXPORT cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    ENTER;
    if (event == NULL || flags > 7)
        return emu_return(cudaErrorInvalidValue);
    if ((*event = calloc(1, sizeof **event)) == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    (*event)->magic = EVENT_MAGIC;
    (*event)->flags = flags;
    return cudaSuccess;
}

EXPORT cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

EXPORT cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    ENTER;
    if (!is_alive(event))
        return emu_return(cudaErrorInvalidResourceHandle);
    event->magic = 0;
    free(event->front);
    free(event);
    return cudaSuccess;
}

EXPORT cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t handle, unsigned flags)
{
    ENTER;
    struct CUstream_st *stream = emu_stream(handle);
    if (!is_alive(event) || stream == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    free(event->front);
    event->front = NULL;
    event->front_count = 0;
    event->recording = stream->recording;
    if (stream->recording == NULL) {
        emu_event_record(event);
        return cudaSuccess;
    }
    if (flags & cudaEventRecordExternal)
        return emu_return(emu_submit(handle, (Operation){.kind = DO_RECORD, .event = event}, "cudaEventRecord"));
    event->capture_id = stream->capture_id;
    if ((event->front = malloc((stream->front_count + 1) * sizeof *event->front)) == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    memcpy(event->front, stream->front, stream->front_count * sizeof *event->front);
    event->front_count = stream->front_count;
    return cudaSuccess;
}

EXPORT cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    return cudaEventRecordWithFlags(event, stream, 0);
}

/* Waiting for an event that was recorded in a capture draws the stream into that capture. */
EXPORT cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned flags)
{
    (void)flags;
    ENTER;
    struct CUstream_st *stream = emu_stream(handle);
    if (!is_alive(event) || stream == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    if (event->recording == NULL)
        return emu_return(stream->recording == NULL ? cudaSuccess : cudaErrorStreamCaptureIsolation);
    if (stream->recording == NULL) {
        stream->recording = event->recording;
        stream->began = false;
        stream->capture_id = event->capture_id;
        return emu_return(emu_stream_set_front(stream, event->front, event->front_count, false));
    }
    if (stream->recording != event->recording)
        return emu_return(cudaErrorStreamCaptureMerge);
    return emu_return(emu_stream_set_front(stream, event->front, event->front_count, true));
}

EXPORT cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    emu_output_flush();
    ENTER;
    if (!is_alive(event))
        return emu_return(cudaErrorInvalidResourceHandle);
    return emu_return(event->recording != NULL ? cudaErrorCapturedEvent : cudaSuccess);
}

EXPORT cudaError_t cudaEventQuery(cudaEvent_t event)
{
    ENTER;
    if (!is_alive(event))
        return emu_return(cudaErrorInvalidResourceHandle);
    return emu_return(event->recording != NULL ? cudaErrorCapturedEvent : cudaSuccess);
}

EXPORT cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    ENTER;
    if (milliseconds == NULL)
        return emu_return(cudaErrorInvalidValue);
    if (!is_alive(start) || !is_alive(end) || !start->is_recorded || !end->is_recorded)
        return emu_return(cudaErrorInvalidResourceHandle);
    if ((start->flags | end->flags) & cudaEventDisableTiming)
        return emu_return(cudaErrorInvalidResourceHandle);
    *milliseconds = (float)((double)((int64_t)(end->at_ns - start->at_ns)) * 1e-6);
    return cudaSuccess;
}
