/* From CUDA's parameters of nodes to operations; changing them, in a graph or in an executable made of it. */
#include "graph.h"
#include "graph_parameters.h"
#include "report.h"

cudaError_t emu_kernel_node(Operation *operation, const struct cudaKernelNodeParams *p)
{
    operation->kind = DO_KERNEL;
    if (p->extra != NULL) {
        emu_say("error", "kernel nodes with `extra` are not emulated");
        return cudaErrorNotSupported;
    }
    return emu_prepare_launch(&operation->launch, p->func, p->gridDim, p->blockDim, p->kernelParams, p->sharedMemBytes,
                              false);
}

cudaError_t emu_copy_node_3d(Operation *operation, const struct cudaMemcpy3DParms *p)
{
    operation->kind = DO_COPY;
    return emu_copy_of_3d(&operation->copy, p);
}

Operation emu_copy_node(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return (Operation){.kind = DO_COPY,
                       .copy = {.to = (uint64_t)(uintptr_t)to,
                                .from = (uint64_t)(uintptr_t)from,
                                .width = bytes,
                                .height = 1,
                                .depth = 1,
                                .kind = kind}};
}

Operation emu_fill_node(const struct cudaMemsetParams *p)
{
    return (Operation){.kind = DO_FILL,
                       .fill = {.to = (uint64_t)(uintptr_t)p->dst,
                                .width = p->width,
                                .height = p->height,
                                .depth = 1,
                                .pitch = p->pitch,
                                .value = p->value,
                                .element_bytes = p->elementSize}};
}

Operation emu_call_node(const struct cudaHostNodeParams *p)
{
    return (Operation){.kind = DO_CALL, .call = {p->fn, p->userData}};
}

/* --- Changing: in the graph, or in an executable made of it
 * ---------------------------------------------------- */

static cudaError_t change(cudaGraphNode_t node, Operation operation)
{
    ENTER;
    if (node == NULL || node->operation.kind != operation.kind) {
        emu_drop(&operation);
        return emu_return(cudaErrorInvalidValue);
    }
    emu_drop(&node->operation);
    node->operation = operation;
    return cudaSuccess;
}

static cudaError_t change_kernel(cudaGraphNode_t node, const struct cudaKernelNodeParams *p)
{
    Operation operation;
    cudaError_t error = emu_kernel_node(&operation, p);
    return error == cudaSuccess ? change(node, operation) : emu_return(error);
}

EXPORT cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t node, const struct cudaKernelNodeParams *p)
{
    return change_kernel(node, p);
}

EXPORT cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node,
                                                    const struct cudaKernelNodeParams *p)
{
    return change_kernel(emu_graph_twin(executable, node), p);
}

EXPORT cudaError_t cudaGraphMemcpyNodeSetParams1D(cudaGraphNode_t node, void *to, const void *from, size_t bytes,
                                                  enum cudaMemcpyKind kind)
{
    return change(node, emu_copy_node(to, from, bytes, kind));
}

EXPORT cudaError_t cudaGraphExecMemcpyNodeSetParams1D(cudaGraphExec_t executable, cudaGraphNode_t node, void *to,
                                                      const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return change(emu_graph_twin(executable, node), emu_copy_node(to, from, bytes, kind));
}

EXPORT cudaError_t cudaGraphMemsetNodeSetParams(cudaGraphNode_t node, const struct cudaMemsetParams *p)
{
    return change(node, emu_fill_node(p));
}

EXPORT cudaError_t cudaGraphExecMemsetNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node,
                                                    const struct cudaMemsetParams *p)
{
    return change(emu_graph_twin(executable, node), emu_fill_node(p));
}

EXPORT cudaError_t cudaGraphHostNodeSetParams(cudaGraphNode_t node, const struct cudaHostNodeParams *p)
{
    return change(node, emu_call_node(p));
}

EXPORT cudaError_t cudaGraphExecHostNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node,
                                                  const struct cudaHostNodeParams *p)
{
    return change(emu_graph_twin(executable, node), emu_call_node(p));
}

EXPORT cudaError_t cudaGraphNodeSetEnabled(cudaGraphExec_t executable, cudaGraphNode_t node, unsigned is_enabled)
{
    ENTER;
    emu_graph_twin(executable, node)->is_disabled = !is_enabled;
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphNodeGetEnabled(cudaGraphExec_t executable, cudaGraphNode_t node, unsigned *is_enabled)
{
    ENTER;
    *is_enabled = !emu_graph_twin(executable, node)->is_disabled;
    return cudaSuccess;
}
