/* Nodes of graphs, one by one: adding them, looking at them, changing their parameters before and after instantiation. */
#include <stdlib.h>

#include "event.h"
#include "graph.h"
#include "report.h"

/* --- From CUDA's parameters to operations ---------------------------------------------------------------------------- */

static cudaError_t of_kernel(Operation *operation, const struct cudaKernelNodeParams *p)
{
    operation->kind = DO_KERNEL;
    if (p->extra != NULL) {
        emu_say("error", "kernel nodes with `extra` are not emulated");
        return cudaErrorNotSupported;
    }
    return emu_prepare_launch(&operation->launch, p->func, p->gridDim, p->blockDim, p->kernelParams, p->sharedMemBytes, false);
}

static cudaError_t of_copy_3d(Operation *operation, const struct cudaMemcpy3DParms *p)
{
    operation->kind = DO_COPY;
    return emu_copy_of_3d(&operation->copy, p) ? cudaSuccess : cudaErrorNotSupported;
}

static Operation of_copy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return (Operation){.kind = DO_COPY, .copy = {.to = (uint64_t)(uintptr_t)to, .from = (uint64_t)(uintptr_t)from, .width = bytes,
                                                 .height = 1, .depth = 1, .kind = kind}};
}

static Operation of_fill(const struct cudaMemsetParams *p)
{
    return (Operation){.kind = DO_FILL, .fill = {.to = (uint64_t)(uintptr_t)p->dst, .width = p->width, .height = p->height, .depth = 1,
                                                 .pitch = p->pitch, .value = p->value, .element_bytes = p->elementSize}};
}

static Operation of_call(const struct cudaHostNodeParams *p) { return (Operation){.kind = DO_CALL, .call = {p->fn, p->userData}}; }

/* --- Adding ---------------------------------------------------------------------------------------------------------- */

static cudaError_t add(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count, Operation operation)
{
    ENTER;
    if (graph == NULL || node == NULL || (count > 0 && before == NULL))
        return emu_return(cudaErrorInvalidValue);
    *node = emu_graph_add(graph, operation, before, count);
    return emu_return(*node == NULL ? cudaErrorMemoryAllocation : cudaSuccess);
}

EXPORT cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                          const struct cudaKernelNodeParams *p)
{
    Operation operation;
    cudaError_t error = of_kernel(&operation, p);
    return error == cudaSuccess ? add(node, graph, before, count, operation) : emu_return(error);
}

EXPORT cudaError_t cudaGraphAddMemcpyNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                          const struct cudaMemcpy3DParms *p)
{
    Operation operation;
    cudaError_t error = of_copy_3d(&operation, p);
    return error == cudaSuccess ? add(node, graph, before, count, operation) : emu_return(error);
}

EXPORT cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count, void *to,
                                            const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return add(node, graph, before, count, of_copy(to, from, bytes, kind));
}

static cudaError_t add_symbol(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count, const void *symbol,
                              size_t offset, void *other, size_t bytes, enum cudaMemcpyKind kind, bool is_target)
{
    void *address;
    cudaError_t error = cudaGetSymbolAddress(&address, symbol);
    if (error != cudaSuccess)
        return error;
    uint8_t *place = (uint8_t *)address + offset;
    return add(node, graph, before, count, is_target ? of_copy(place, other, bytes, kind) : of_copy(other, place, bytes, kind));
}

EXPORT cudaError_t cudaGraphAddMemcpyNodeToSymbol(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                                  const void *symbol, const void *from, size_t bytes, size_t offset,
                                                  enum cudaMemcpyKind kind)
{
    return add_symbol(node, graph, before, count, symbol, offset, (void *)(uintptr_t)from, bytes, kind, true);
}

EXPORT cudaError_t cudaGraphAddMemcpyNodeFromSymbol(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                                    void *to, const void *symbol, size_t bytes, size_t offset, enum cudaMemcpyKind kind)
{
    return add_symbol(node, graph, before, count, symbol, offset, to, bytes, kind, false);
}

EXPORT cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                          const struct cudaMemsetParams *p)
{
    return add(node, graph, before, count, of_fill(p));
}

EXPORT cudaError_t cudaGraphAddHostNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                        const struct cudaHostNodeParams *p)
{
    return add(node, graph, before, count, of_call(p));
}

EXPORT cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count)
{
    return add(node, graph, before, count, (Operation){.kind = DO_NOTHING});
}

EXPORT cudaError_t cudaGraphAddEventRecordNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                               cudaEvent_t event)
{
    return add(node, graph, before, count, (Operation){.kind = DO_RECORD, .event = event});
}

EXPORT cudaError_t cudaGraphAddEventWaitNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                             cudaEvent_t event)
{
    return add(node, graph, before, count, (Operation){.kind = DO_WAIT, .event = event});
}

EXPORT cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                              cudaGraph_t child)
{
    cudaGraph_t clone = emu_graph_clone(child);
    return clone == NULL ? emu_return(cudaErrorMemoryAllocation) : add(node, graph, before, count, (Operation){.kind = DO_GRAPH, .graph = clone});
}

EXPORT cudaError_t cudaGraphAddMemAllocNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count,
                                            struct cudaMemAllocNodeParams *p)
{
    cudaError_t error = cudaMalloc(&p->dptr, p->bytesize);
    if (error != cudaSuccess)
        return error;
    return add(node, graph, before, count, (Operation){.kind = DO_ALLOCATE, .address = (uint64_t)(uintptr_t)p->dptr});
}

/* The graph may be launched again, with the same address: its memory stays. */
EXPORT cudaError_t cudaGraphAddMemFreeNode(cudaGraphNode_t *node, cudaGraph_t graph, const cudaGraphNode_t *before, size_t count, void *memory)
{
    (void)memory;
    return add(node, graph, before, count, (Operation){.kind = DO_NOTHING});
}

/* --- Looking --------------------------------------------------------------------------------------------------------- */

EXPORT cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, enum cudaGraphNodeType *type)
{
    static const enum cudaGraphNodeType types[] = {
        [DO_NOTHING] = cudaGraphNodeTypeEmpty, [DO_KERNEL] = cudaGraphNodeTypeKernel, [DO_COPY] = cudaGraphNodeTypeMemcpy,
        [DO_FILL] = cudaGraphNodeTypeMemset, [DO_CALL] = cudaGraphNodeTypeHost, [DO_RECORD] = cudaGraphNodeTypeEventRecord,
        [DO_WAIT] = cudaGraphNodeTypeWaitEvent, [DO_GRAPH] = cudaGraphNodeTypeGraph, [DO_ALLOCATE] = cudaGraphNodeTypeMemAlloc,
        [DO_RELEASE] = cudaGraphNodeTypeMemFree,
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

EXPORT cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count) { return list(graph, nodes, count, is_any); }

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
    *p = (struct cudaKernelNodeParams){.func = (void *)(uintptr_t)launch->function, .gridDim = launch->grid, .blockDim = launch->block,
                                       .sharedMemBytes = (unsigned)launch->shared_bytes, .kernelParams = node->arguments};
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

/* --- Edges ----------------------------------------------------------------------------------------------------------- */

static cudaError_t connect(const cudaGraphNode_t *from, const cudaGraphNode_t *to, size_t count)
{
    ENTER;
    for (size_t i = 0; i < count; i++) {
        cudaGraphNode_t node = to[i], *grown = realloc(node->before, (node->before_count + 1) * sizeof *grown);
        if (grown == NULL)
            return emu_return(cudaErrorMemoryAllocation);
        node->before = grown;
        node->before[node->before_count++] = from[i];
    }
    return cudaSuccess;
}

static void forget(cudaGraphNode_t node, cudaGraphNode_t before)
{
    size_t kept = 0;
    for (size_t i = 0; i < node->before_count; i++)
        if (node->before[i] != before)
            node->before[kept++] = node->before[i];
    node->before_count = kept;
}

static cudaError_t disconnect(const cudaGraphNode_t *from, const cudaGraphNode_t *to, size_t count)
{
    ENTER;
    for (size_t i = 0; i < count; i++)
        forget(to[i], from[i]);
    return cudaSuccess;
}

static cudaError_t edges(cudaGraph_t graph, cudaGraphNode_t *from, cudaGraphNode_t *to, size_t *count)
{
    ENTER;
    size_t found = 0;
    for (size_t i = 0; i < graph->count; i++)
        for (size_t b = 0; b < graph->nodes[i]->before_count; b++, found++)
            if (from != NULL && to != NULL && found < *count) {
                from[found] = graph->nodes[i]->before[b];
                to[found] = graph->nodes[i];
            }
    *count = found;
    return cudaSuccess;
}

static cudaError_t dependencies(cudaGraphNode_t node, cudaGraphNode_t *nodes, size_t *count)
{
    ENTER;
    for (size_t i = 0; nodes != NULL && i < node->before_count && i < *count; i++)
        nodes[i] = node->before[i];
    *count = node->before_count;
    return cudaSuccess;
}

#if CUDART_VERSION >= 13000
#define EDGE_DATA(name) , const cudaGraphEdgeData *name
#define EDGE_DATA_OUT(name) , cudaGraphEdgeData *name
#define UNUSED_EDGE_DATA(name) (void)(name)
#else
#define EDGE_DATA(name)
#define EDGE_DATA_OUT(name)
#define UNUSED_EDGE_DATA(name) (void)0
#endif

EXPORT cudaError_t cudaGraphAddDependencies(cudaGraph_t graph, const cudaGraphNode_t *from, const cudaGraphNode_t *to EDGE_DATA(data),
                                            size_t count)
{
    (void)graph, UNUSED_EDGE_DATA(data);
    return connect(from, to, count);
}

EXPORT cudaError_t cudaGraphRemoveDependencies(cudaGraph_t graph, const cudaGraphNode_t *from, const cudaGraphNode_t *to EDGE_DATA(data),
                                               size_t count)
{
    (void)graph, UNUSED_EDGE_DATA(data);
    return disconnect(from, to, count);
}

EXPORT cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t *from, cudaGraphNode_t *to EDGE_DATA_OUT(data), size_t *count)
{
    UNUSED_EDGE_DATA(data);
    return edges(graph, from, to, count);
}

EXPORT cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t node, cudaGraphNode_t *nodes EDGE_DATA_OUT(data), size_t *count)
{
    UNUSED_EDGE_DATA(data);
    return dependencies(node, nodes, count);
}

EXPORT cudaError_t cudaGraphDestroyNode(cudaGraphNode_t node)
{
    ENTER;
    cudaGraph_t graph = node->graph;
    memmove(&graph->nodes[node->place], &graph->nodes[node->place + 1], (--graph->count - node->place) * sizeof *graph->nodes);
    for (size_t i = 0; i < graph->count; i++) {
        graph->nodes[i]->place = i;
        forget(graph->nodes[i], node);
    }
    emu_graph_free_node(node);
    return cudaSuccess;
}

/* --- Changing: in the graph, or in an executable made of it ----------------------------------------------------------- */

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
    cudaError_t error = of_kernel(&operation, p);
    return error == cudaSuccess ? change(node, operation) : emu_return(error);
}

EXPORT cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t node, const struct cudaKernelNodeParams *p) { return change_kernel(node, p); }

EXPORT cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node, const struct cudaKernelNodeParams *p)
{
    return change_kernel(emu_graph_twin(executable, node), p);
}

EXPORT cudaError_t cudaGraphMemcpyNodeSetParams1D(cudaGraphNode_t node, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return change(node, of_copy(to, from, bytes, kind));
}

EXPORT cudaError_t cudaGraphExecMemcpyNodeSetParams1D(cudaGraphExec_t executable, cudaGraphNode_t node, void *to, const void *from,
                                                      size_t bytes, enum cudaMemcpyKind kind)
{
    return change(emu_graph_twin(executable, node), of_copy(to, from, bytes, kind));
}

EXPORT cudaError_t cudaGraphMemsetNodeSetParams(cudaGraphNode_t node, const struct cudaMemsetParams *p) { return change(node, of_fill(p)); }

EXPORT cudaError_t cudaGraphExecMemsetNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node, const struct cudaMemsetParams *p)
{
    return change(emu_graph_twin(executable, node), of_fill(p));
}

EXPORT cudaError_t cudaGraphHostNodeSetParams(cudaGraphNode_t node, const struct cudaHostNodeParams *p) { return change(node, of_call(p)); }

EXPORT cudaError_t cudaGraphExecHostNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node, const struct cudaHostNodeParams *p)
{
    return change(emu_graph_twin(executable, node), of_call(p));
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
