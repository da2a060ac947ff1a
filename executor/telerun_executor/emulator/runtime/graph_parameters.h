/* From CUDA's parameters of nodes to operations. */
#ifndef TELERUN_GRAPH_PARAMETERS_H
#define TELERUN_GRAPH_PARAMETERS_H

#include "operation.h"

cudaError_t emu_kernel_node(Operation *operation, const struct cudaKernelNodeParams *p);
cudaError_t emu_copy_node_3d(Operation *operation, const struct cudaMemcpy3DParms *p);
Operation emu_copy_node(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind);
Operation emu_fill_node(const struct cudaMemsetParams *p);
Operation emu_call_node(const struct cudaHostNodeParams *p);

#endif
