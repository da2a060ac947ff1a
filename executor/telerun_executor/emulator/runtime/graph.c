/* Graphs: building, cloning, ordering, running. */
#include <stdlib.h>

#include "graph.h"
#include "output.h"
#include "stream.h"

bool emu_operation_copy(Operation *copy, const Operation *original)
{
    *copy = *original;
    if (original->kind == DO_KERNEL) {
        size_t bytes = (original->launch.kernel->parameter_bytes + 127) & ~(size_t)63;
        if ((copy->launch.parameters = aligned_alloc(64, bytes)) == NULL)
            return false;
        memcpy(copy->launch.parameters, original->launch.parameters, bytes);
    }
    if (original->kind == DO_GRAPH)
        return (copy->graph = emu_graph_clone(original->graph)) != NULL;
    return true;
}

cudaGraphNode_t emu_graph_add(cudaGraph_t graph, Operation operation, const cudaGraphNode_t *before, size_t count)
{
    if (graph->count == graph->room) {
        size_t room = graph->room * 2 + 16;
        struct CUgraphNode_st **grown = realloc(graph->nodes, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        graph->nodes = grown;
        graph->room = room;
    }
    struct CUgraphNode_st *node = calloc(1, sizeof *node);
    if (node == NULL || (node->before = malloc((count + 1) * sizeof *node->before)) == NULL) {
        free(node);
        return NULL;
    }
    if (count > 0)
        memcpy(node->before, before, count * sizeof *before);
    node->before_count = count;
    node->operation = operation;
    node->graph = graph;
    node->place = graph->count;
    graph->nodes[graph->count++] = node;
    return node;
}

void emu_graph_free_node(cudaGraphNode_t node)
{
    if (node->operation.kind == DO_GRAPH)
        emu_graph_free(node->operation.graph);
    emu_drop(&node->operation);
    free(node->arguments);
    free(node->before);
    free(node);
}

void emu_graph_free(cudaGraph_t graph)
{
    for (size_t i = 0; i < graph->count; i++)
        emu_graph_free_node(graph->nodes[i]);
    free(graph->nodes);
    free(graph);
}

cudaGraph_t emu_graph_clone(cudaGraph_t graph)
{
    cudaGraph_t clone = calloc(1, sizeof *clone);
    for (size_t i = 0; clone != NULL && i < graph->count; i++) {
        Operation operation;
        cudaGraphNode_t node = NULL;
        if (emu_operation_copy(&operation, &graph->nodes[i]->operation))
            node = emu_graph_add(clone, operation, graph->nodes[i]->before, graph->nodes[i]->before_count);
        if (node == NULL) {
            emu_graph_free(clone);
            return NULL;
        }
        node->is_disabled = graph->nodes[i]->is_disabled;
    }
    for (size_t i = 0; clone != NULL && i < graph->count; i++)
        for (size_t b = 0; b < clone->nodes[i]->before_count; b++)
            clone->nodes[i]->before[b] = clone->nodes[clone->nodes[i]->before[b]->place];
    return clone;
}

/* Depth first: what a node depends on goes before it. False for a circle. marks: 0 not seen, 1 under way, 2 done. */
static bool order_from(cudaGraphNode_t node, uint8_t *marks, cudaGraphNode_t *order, size_t *count)
{
    if (marks[node->place] != 0)
        return marks[node->place] == 2;
    marks[node->place] = 1;
    for (size_t i = 0; i < node->before_count; i++)
        if (!order_from(node->before[i], marks, order, count))
            return false;
    marks[node->place] = 2;
    order[(*count)++] = node;
    return true;
}

cudaError_t emu_graph_perform(cudaGraph_t graph)
{
    cudaError_t error = cudaSuccess;
    uint8_t *marks = calloc(graph->count + 1, 1);
    cudaGraphNode_t *order = malloc((graph->count + 1) * sizeof *order);
    size_t count = 0;
    if (marks == NULL || order == NULL)
        error = cudaErrorMemoryAllocation;
    for (size_t i = 0; i < graph->count && error == cudaSuccess; i++)
        if (!order_from(graph->nodes[i], marks, order, &count))
            error = cudaErrorInvalidValue;
    for (size_t i = 0; i < count && error == cudaSuccess; i++)
        if (!order[i]->is_disabled)
            error = emu_perform(&order[i]->operation, "cudaGraphLaunch");
    free(marks);
    free(order);
    return error;
}

EXPORT cudaError_t cudaGraphCreate(cudaGraph_t *graph, unsigned flags)
{
    ENTER;
    if (graph == NULL || flags != 0)
        return emu_return(cudaErrorInvalidValue);
    *graph = calloc(1, sizeof **graph);
    return emu_return(*graph == NULL ? cudaErrorMemoryAllocation : cudaSuccess);
}

EXPORT cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    ENTER;
    if (graph == NULL)
        return emu_return(cudaErrorInvalidValue);
    emu_graph_free(graph);
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphClone(cudaGraph_t *clone, cudaGraph_t graph)
{
    ENTER;
    *clone = emu_graph_clone(graph);
    return emu_return(*clone == NULL ? cudaErrorMemoryAllocation : cudaSuccess);
}

/* --- Executable graphs -------------------------------------------------------------------------------------------- */

struct CUgraphExec_st {
    cudaGraph_t graph;
};

static cudaError_t instantiate(cudaGraphExec_t *executable, cudaGraph_t graph)
{
    ENTER;
    if (executable == NULL || graph == NULL)
        return emu_return(cudaErrorInvalidValue);
    *executable = malloc(sizeof **executable);
    if (*executable == NULL || ((*executable)->graph = emu_graph_clone(graph)) == NULL) {
        free(*executable);
        *executable = NULL;
        return emu_return(cudaErrorMemoryAllocation);
    }
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphInstantiate(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long flags)
{
    (void)flags;
    return instantiate(executable, graph);
}

EXPORT cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph,
                                                 unsigned long long flags)
{
    (void)flags;
    return instantiate(executable, graph);
}

EXPORT cudaError_t cudaGraphInstantiateWithParams(cudaGraphExec_t *executable, cudaGraph_t graph,
                                                  cudaGraphInstantiateParams *parameters)
{
    cudaError_t error = instantiate(executable, graph);
    parameters->result_out = error == cudaSuccess ? cudaGraphInstantiateSuccess : cudaGraphInstantiateError;
    return error;
}

EXPORT cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable)
{
    ENTER;
    if (executable == NULL)
        return emu_return(cudaErrorInvalidValue);
    emu_graph_free(executable->graph);
    free(executable);
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t stream)
{
    (void)executable, (void)stream;
    ENTER;
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream)
{
    ENTER;
    if (executable == NULL || emu_stream(stream) == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    if (!emu_stream_is_capturing(stream))
        return emu_return(emu_graph_perform(executable->graph));
    cudaGraph_t child = emu_graph_clone(executable->graph);
    if (child == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    return emu_return(emu_submit(stream, (Operation){.kind = DO_GRAPH, .graph = child}, "cudaGraphLaunch"));
}

/* The executable takes the new graph's operations if both have the same shape. */
EXPORT cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph,
                                       cudaGraphExecUpdateResultInfo *result)
{
    ENTER;
    bool is_alike = executable->graph->count == graph->count;
    for (size_t i = 0; is_alike && i < graph->count; i++) {
        const struct CUgraphNode_st *before = executable->graph->nodes[i], *now = graph->nodes[i];
        is_alike = before->operation.kind == now->operation.kind && before->before_count == now->before_count;
        for (size_t b = 0; is_alike && b < now->before_count; b++)
            is_alike = before->before[b]->place == now->before[b]->place;
    }
    memset(result, 0, sizeof *result);
    if (!is_alike) {
        result->result = cudaGraphExecUpdateErrorTopologyChanged;
        return emu_return(cudaErrorGraphExecUpdateFailure);
    }
    cudaGraph_t clone = emu_graph_clone(graph);
    if (clone == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    emu_graph_free(executable->graph);
    executable->graph = clone;
    return cudaSuccess;
}

/* The executable's own copy of a node of the graph that it was made of. */
cudaGraphNode_t emu_graph_twin(cudaGraphExec_t executable, cudaGraphNode_t node)
{
    return node->place < executable->graph->count ? executable->graph->nodes[node->place] : NULL;
}
