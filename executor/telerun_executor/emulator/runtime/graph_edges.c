/* Edges of graphs: what goes before what. */
#include <stdlib.h>

#include "graph.h"

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

EXPORT cudaError_t cudaGraphAddDependencies(cudaGraph_t graph, const cudaGraphNode_t *from,
                                            const cudaGraphNode_t *to EDGE_DATA(data), size_t count)
{
    (void)graph, UNUSED_EDGE_DATA(data);
    return connect(from, to, count);
}

EXPORT cudaError_t cudaGraphRemoveDependencies(cudaGraph_t graph, const cudaGraphNode_t *from,
                                               const cudaGraphNode_t *to EDGE_DATA(data), size_t count)
{
    (void)graph, UNUSED_EDGE_DATA(data);
    return disconnect(from, to, count);
}

EXPORT cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t *from, cudaGraphNode_t *to EDGE_DATA_OUT(data),
                                     size_t *count)
{
    UNUSED_EDGE_DATA(data);
    return edges(graph, from, to, count);
}

EXPORT cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t node, cudaGraphNode_t *nodes EDGE_DATA_OUT(data),
                                                size_t *count)
{
    UNUSED_EDGE_DATA(data);
    return dependencies(node, nodes, count);
}

EXPORT cudaError_t cudaGraphDestroyNode(cudaGraphNode_t node)
{
    ENTER;
    cudaGraph_t graph = node->graph;
    memmove(&graph->nodes[node->place], &graph->nodes[node->place + 1],
            (--graph->count - node->place) * sizeof *graph->nodes);
    for (size_t i = 0; i < graph->count; i++) {
        graph->nodes[i]->place = i;
        forget(graph->nodes[i], node);
    }
    emu_graph_free_node(node);
    return cudaSuccess;
}
