/* What a stream is asked to do. Outside a capture it is done at once; inside one it becomes a node of the graph. */
#ifndef TELERUN_OPERATION_H
#define TELERUN_OPERATION_H

#include "error.h"
#include "module.h"

typedef enum OperationKind {
    DO_NOTHING,
    DO_KERNEL,
    DO_COPY,
    DO_FILL,
    DO_CALL,
    DO_RECORD,
    DO_WAIT,
    DO_GRAPH,
    DO_ALLOCATE,
    DO_RELEASE
} OperationKind;

typedef struct Launch {
    const void *function;           /* the host stub */
    Module *module;
    const EmuKernel *kernel;
    dim3 grid, block;
    size_t shared_bytes;            /* dynamic */
    bool cooperative;
    uint8_t *parameters;            /* owned */
} Launch;

/* Addresses as the program gave them; pitches and slices in bytes. A plain copy has one row. */
typedef struct Copy {
    uint64_t to, from;
    size_t width, height, depth;
    size_t to_pitch, from_pitch, to_slice, from_slice;
    enum cudaMemcpyKind kind;
} Copy;

typedef struct Fill {
    uint64_t to;
    size_t width, height, depth, pitch, slice;
    uint32_t value, element_bytes;
} Fill;
typedef struct Call {
    cudaHostFn_t function;
    void *data;
} Call;

typedef struct Operation {
    OperationKind kind;
    union {
        Launch launch;
        Copy copy;
        Fill fill;
        Call call;
        cudaEvent_t event;
        cudaGraph_t graph;          /* a child: owned by the node */
        uint64_t address;
    };
} Operation;

/* Hands an operation to a stream. The operation's memory is taken over in any case. `name` is the API function's, for reports. */
cudaError_t emu_submit(cudaStream_t stream, Operation operation, const char *name);

cudaError_t emu_perform(const Operation *operation, const char *name);
void emu_drop(Operation *operation);

/* launch.c: checks a launch's configuration as CUDA does, and copies its arguments. */
cudaError_t emu_prepare_launch(Launch *launch, const void *function, dim3 grid, dim3 block, void **arguments,
                               size_t shared_bytes, bool cooperative);
cudaError_t emu_launch(const Launch *launch);

/* copy.c */
cudaError_t emu_copy(const Copy *copy, const char *name);

/* Whether [address, address + bytes) can be used on the side that the copy says; says what is wrong with it otherwise. */
bool emu_is_usable(uint64_t address, size_t bytes, bool must_be_device, const char *role, const char *name);
size_t emu_reach(size_t width, size_t height, size_t depth, size_t pitch,
                 size_t slice);    /* from the first byte to behind the last */

/* fill.c */
cudaError_t emu_fill(const Fill *fill, const char *name);

/* array_copy.c: to, from and between arrays too. */
cudaError_t emu_copy_of_3d(Copy *made, const struct cudaMemcpy3DParms *p);

#endif
