/* Events. */
#ifndef TELERUN_EVENT_H
#define TELERUN_EVENT_H

#include "error.h"
#include "kernel.h"

struct CUevent_st {
    uint32_t magic;                     /* EVENT_MAGIC while it lives */
    unsigned flags;
    bool is_recorded;
    uint64_t at_ns;
    cudaGraph_t recording;              /* recorded inside a capture: which, and after which nodes */
    unsigned long long capture_id;
    cudaGraphNode_t *front;
    size_t front_count;
};

void emu_event_record(cudaEvent_t event);

#endif
