/* Nodes of graphs, one by one: adding them, looking at them. */
#include <stdlib.h>

#include "event.h"
#include "graph.h"
#include "graph_parameters.h"

/* --- Adding ------------------------------------------------------------------------------------------------------- */

static cudaError_t add(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                       Operation operation)
{
    ENTER;
    if (graph == NULL || node == NULL || (count > 0 && before == NULL))
        return emu_return(cudaErrorInvalidValue);
    *node = emu_graph_add(graph, operation, before, count);
    return emu_return(*node == NULL ? cudaErrorMemoryAllocation : cudaSuccess);
}

EXPORT cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                          size_t count, const struct cudaKernelNodeParams *p)
{
    Operation operation;
    cudaError_t error = emu_kernel_node(&operation, p);
    return error == cudaSuccess ? add(node, graph, before, count, operation) : emu_return(error);
}

EXPORT cudaError_t cudaGraphAddMemcpyNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                          size_t count, const struct cudaMemcpy3DParms *p)
{
    Operation operation;
    cudaError_t error = emu_copy_node_3d(&operation, p);
    return error == cudaSuccess ? add(node, graph, before, count, operation) : emu_return(error);
}

EXPORT cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                            size_t count, void *to, const void *from, size_t bytes,
                                            enum cudaMemcpyKind kind)
{
    return add(node, graph, before, count, emu_copy_node(to, from, bytes, kind));
}

static cudaError_t add_symbol(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                              const void *symbol, size_t offset, void *other, size_t bytes, enum cudaMemcpyKind kind,
                              bool is_target)
{
    void *address;
    cudaError_t error = cudaGetSymbolAddress(&address, symbol);
    if (error != cudaSuccess)
        return error;
    uint8_t *place = (uint8_t *)address + offset;
    return add(node, graph, before, count,
               is_target ? emu_copy_node(place, other, bytes, kind) : emu_copy_node(other, place, bytes, kind));
}

EXPORT cudaError_t cudaGraphAddMemcpyNodeToSymbol(cudaGraphNode_t *node, cudaGraph_t graph,
                                                  const cudaGraphNode_t *before, size_t count, const void *symbol,
                                                  const void *from, size_t bytes, size_t offset,
                                                  enum cudaMemcpyKind kind)
{
    return add_symbol(node, graph, before, count, symbol, offset, (void *)(uintptr_t)from, bytes, kind, true);
}

EXPORT cudaError_t cudaGraphAddMemcpyNodeFromSymbol(cudaGraphNode_t *node, cudaGraph_t graph,
                                                    const cudaGraphNode_t *before, size_t count, void *to,
                                                    const void *symbol, size_t bytes, size_t offset,
                                                    enum cudaMemcpyKind kind)
{
    return add_symbol(node, graph, before, count, symbol, offset, to, bytes, kind, false);
}

EXPORT cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                          size_t count, const struct cudaMemsetParams *p)
{
    return add(node, graph, before, count, emu_fill_node(p));
}

EXPORT cudaError_t cudaGraphAddHostNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                        size_t count, const struct cudaHostNodeParams *p)
{
    return add(node, graph, before, count, emu_call_node(p));
}

EXPORT cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                         size_t count)
{
    return add(node, graph, before, count, (Operation){.kind = DO_NOTHING});
}

EXPORT cudaError_t cudaGraphAddEventRecordNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                               size_t count, cudaEvent_t event)
{
    return add(node, graph, before, count, (Operation){.kind = DO_RECORD, .event = event});
}

EXPORT cudaError_t cudaGraphAddEventWaitNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                             size_t count, cudaEvent_t event)
{
    return add(node, graph, before, count, (Operation){.kind = DO_WAIT, .event = event});
}

EXPORT cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                              size_t count, cudaGraph_t child)
{
    cudaGraph_t clone = emu_graph_clone(child);
    return clone == NULL ? emu_return(cudaErrorMemoryAllocation)
                         : add(node, graph, before, count, (Operation){.kind = DO_GRAPH, .graph = clone});
}

EXPORT cudaError_t cudaGraphAddMemAllocNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                            size_t count, struct cudaMemAllocNodeParams *p)
{
    cudaError_t error = cudaMalloc(&p->dptr, p->bytesize);
    if (error != cudaSuccess)
        return error;
    return add(node, graph, before, count, (Operation){.kind = DO_ALLOCATE, .address = (uint64_t)(uintptr_t)p->dptr});
}

/* The graph may be launched again, with the same address: its memory stays. */
EXPORT cudaError_t cudaGraphAddMemFreeNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before,
                                           size_t count, void *memory)
{
    (void)memory;
    return add(node, graph, before, count, (Operation){.kind = DO_NOTHING});
}

/* --- Looking ------------------------------------------------------------------------------------------------------ */

EXPORT cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, enum cudaGraphNodeType *type)
{
    static const enum cudaGraphNodeType types[] = {
        [DO_NOTHING] = cudaGraphNodeTypeEmpty,     [DO_KERNEL] = cudaGraphNodeTypeKernel,
        [DO_COPY] = cudaGraphNodeTypeMemcpy,       [DO_FILL] = cudaGraphNodeTypeMemset,
        [DO_CALL] = cudaGraphNodeTypeHost,         [DO_RECORD] = cudaGraphNodeTypeEventRecord,
        [DO_WAIT] = cudaGraphNodeTypeWaitEvent,    [DO_GRAPH] = cudaGraphNodeTypeGraph,
        [DO_ALLOCATE] = cudaGraphNodeTypeMemAlloc, [DO_RELEASE] = cudaGraphNodeTypeMemFree,
    };
    ENTER;
    *type = types[node->operation.kind];
    return cudaSuccess;
}

/* Fills in up to *count of the nodes that `is_wanted`; with no room given, says how many there are. */
static cudaError_t list(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count, bool (*is_wanted)(cudaGraphNode_t))
{
    ENTER;
    size_t found = 0;
    for (size_t i = 0; i < graph->count; i++)
        if (is_wanted(graph->nodes[i])) {
            if (nodes != NULL && found < *count)
                nodes[found] = graph->nodes[i];
            found++;
        }
    *count = found;
    return cudaSuccess;
}

static bool is_any(cudaGraphNode_t node) { return node != NULL; }
static bool is_root(cudaGraphNode_t node) { return node->before_count == 0; }

EXPORT cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count)
{
    return list(graph, nodes, count, is_any);
}

EXPORT cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count)
{
    return list(graph, nodes, count, is_root);
}

EXPORT cudaError_t cudaGraphKernelNodeGetParams(cudaGraphNode_t node, struct cudaKernelNodeParams *p)
{
    ENTER;
    if (node->operation.kind != DO_KERNEL)
        return emu_return(cudaErrorInvalidValue);
    const Launch *launch = &node->operation.launch;
    uint32_t count = launch->kernel->parameter_count;
    if (node->arguments == NULL && (node->arguments = calloc(count + 1, sizeof *node->arguments)) == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    for (uint32_t i = 0; i < count; i++)
        node->arguments[i] = launch->parameters + launch->kernel->parameters[i].offset;
    *p = (struct cudaKernelNodeParams){.func = (void *)(uintptr_t)launch->function,
                                       .gridDim = launch->grid,
                                       .blockDim = launch->block,
                                       .sharedMemBytes = (unsigned)launch->shared_bytes,
                                       .kernelParams = node->arguments};
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphHostNodeGetParams(cudaGraphNode_t node, struct cudaHostNodeParams *p)
{
    ENTER;
    if (node->operation.kind != DO_CALL)
        return emu_return(cudaErrorInvalidValue);
    *p = (struct cudaHostNodeParams){node->operation.call.function, node->operation.call.data};
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphChildGraphNodeGetGraph(cudaGraphNode_t node, cudaGraph_t *graph)
{
    ENTER;
    if (node->operation.kind != DO_GRAPH)
        return emu_return(cudaErrorInvalidValue);
    *graph = node->operation.graph;
    return cudaSuccess;
}
