/* Graphs: nodes that each hold one operation, carried out in an order that respects their dependencies. */
#ifndef TELERUN_GRAPH_H
#define TELERUN_GRAPH_H

#include "operation.h"

struct CUgraphNode_st {
    Operation operation;
    cudaGraph_t graph;
    struct CUgraphNode_st **before;     /* what it depends on */
    size_t before_count;
    bool is_disabled;
    size_t place;                       /* in graph->nodes */
    void **arguments;                   /* made for cudaGraphKernelNodeGetParams, owned */
};

struct CUgraph_st {
    struct CUgraphNode_st **nodes;
    size_t count, room;
};

/* A node of its own; takes the operation over. NULL when memory has run out. */
cudaGraphNode_t emu_graph_add(cudaGraph_t graph, Operation operation, const cudaGraphNode_t *before, size_t count);
cudaError_t emu_graph_perform(cudaGraph_t graph);
cudaGraph_t emu_graph_clone(cudaGraph_t graph);
void emu_graph_free(cudaGraph_t graph);
void emu_graph_free_node(cudaGraphNode_t node);    /* the caller has taken it out of its graph */
cudaGraphNode_t emu_graph_twin(cudaGraphExec_t executable, cudaGraphNode_t node);
bool emu_operation_copy(Operation *copy, const Operation *original);

#endif
