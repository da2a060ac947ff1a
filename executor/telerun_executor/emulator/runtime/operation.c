/* Carrying out what streams are asked to do. */
#include <stdlib.h>

#include "allocation.h"
#include "event.h"
#include "graph.h"
#include "operation.h"
#include "stream.h"

cudaError_t emu_perform(const Operation *operation, const char *name)
{
    switch (operation->kind) {
    case DO_KERNEL:
        return emu_launch(&operation->launch);
    case DO_COPY:
        return emu_copy(&operation->copy, name);
    case DO_FILL:
        return emu_fill(&operation->fill, name);
    case DO_CALL:
        operation->call.function(operation->call.data);
        return cudaSuccess;
    case DO_RECORD:
        emu_event_record(operation->event);
        return cudaSuccess;
    case DO_GRAPH:
        return emu_graph_perform(operation->graph);
    case DO_RELEASE:
        return emu_release(operation->address, 1u << DEVICE_MEMORY) == FREED ? cudaSuccess : cudaErrorInvalidValue;
    case DO_ALLOCATE:    /* its memory was taken when the node was made */
    case DO_NOTHING:
    case DO_WAIT:        /* what is waited for has been done */
        break;
    }
    return cudaSuccess;
}

void emu_drop(Operation *operation)
{
    if (operation->kind == DO_KERNEL)
        free(operation->launch.parameters);
    operation->kind = DO_NOTHING;
}

cudaError_t emu_submit(cudaStream_t stream, Operation operation, const char *name)
{
    cudaError_t error;
    if (emu_stream(stream) == NULL) {
        error = cudaErrorInvalidResourceHandle;
    } else if (emu_stream_is_capturing(stream)) {
        error = emu_stream_capture(stream, operation);
        if (error == cudaSuccess)
            return cudaSuccess;
    } else {
        error = emu_perform(&operation, name);
    }
    emu_drop(&operation);
    return error;
}
