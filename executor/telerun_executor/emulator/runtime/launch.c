/* Kernel launches. */
#include <stdlib.h>

#include "engine.h"
#include "device_limits.h"
#include "operation.h"
#include "report.h"

#define SMALLEST_STACK ((size_t)128 << 10)

static _Thread_local struct {
    dim3 grid, block;
    size_t shared_bytes;
    cudaStream_t stream;
} configuration[16];
static _Thread_local unsigned depth;

EXPORT unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_bytes, struct CUstream_st *stream)
{
    if (depth == sizeof configuration / sizeof *configuration)
        return 1;
    configuration[depth].grid = grid;
    configuration[depth].block = block;
    configuration[depth].shared_bytes = shared_bytes;
    configuration[depth++].stream = stream;
    return 0;
}

EXPORT cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared_bytes, void *stream)
{
    if (depth == 0)
        return emu_return(cudaErrorMissingConfiguration);
    *grid = configuration[--depth].grid;
    *block = configuration[depth].block;
    *shared_bytes = configuration[depth].shared_bytes;
    *(cudaStream_t *)stream = configuration[depth].stream;
    return cudaSuccess;
}

static cudaError_t check(const EmuKernel *kernel, dim3 grid, dim3 block, size_t shared_bytes, bool cooperative)
{
    uint64_t threads = (uint64_t)block.x * block.y * block.z;
    if (kernel->unsupported != NULL)
        return cudaErrorNotSupported;
    if (threads == 0 || block.x > 1024 || block.y > 1024 || block.z > 64 || threads > MAX_THREADS)
        return cudaErrorInvalidConfiguration;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535)
        return cudaErrorInvalidConfiguration;
    if (kernel->max_threads != 0 && threads > kernel->max_threads)
        return cudaErrorLaunchOutOfResources;
    const uint32_t *required = kernel->required_threads;
    if (required[0] != 0 && (block.x != required[0] || block.y != required[1] || block.z != required[2]))
        return cudaErrorInvalidConfiguration;
    if (shared_bytes > emu_dynamic_shared_limit(kernel))
        return cudaErrorInvalidValue;
    if (cooperative && (uint64_t)grid.x * grid.y * grid.z >
                           (uint64_t)emu_blocks_per_sm(kernel, (uint32_t)threads, shared_bytes) * EMU_SM_COUNT)
        return cudaErrorCooperativeLaunchTooLarge;
    return cudaSuccess;
}

cudaError_t emu_prepare_launch(Launch *launch, const void *function, dim3 grid, dim3 block, void **arguments,
                               size_t shared_bytes, bool cooperative)
{
    *launch = (Launch){
        .function = function, .grid = grid, .block = block, .shared_bytes = shared_bytes, .cooperative = cooperative};
    cudaError_t error = emu_find_kernel(function, &launch->module, &launch->kernel);
    if (error == cudaSuccess)
        error = check(launch->kernel, grid, block, shared_bytes, cooperative);
    if (error == cudaErrorNotSupported)
        emu_say_unsupported(launch->module, launch->kernel);
    if (error != cudaSuccess)
        return error;
    const EmuKernel *kernel = launch->kernel;
    if ((launch->parameters = aligned_alloc(64, (kernel->parameter_bytes + 127) & ~(size_t)63)) == NULL)
        return cudaErrorMemoryAllocation;
    for (uint32_t i = 0; i < kernel->parameter_count; i++)
        memcpy(launch->parameters + kernel->parameters[i].offset, arguments[i], kernel->parameters[i].bytes);
    return cudaSuccess;
}

/* A compiled frame is larger than a GPU's, so the limit counts many times. Few sizes, for stacks are kept. */
static size_t stack_bytes(const EmuKernel *kernel)
{
    size_t bytes = SMALLEST_STACK, needed = SMALLEST_STACK / 2 + 2 * (size_t)kernel->local_bytes + 32 * emu_stack_limit();
    while (bytes < needed)
        bytes *= 2;
    return bytes;
}

cudaError_t emu_launch(const Launch *launch)
{
    static _Atomic uint64_t last_id;
    const EmuKernel *kernel = launch->kernel;
    Grid grid = {
        .kernel = kernel,
        .module = launch->module,
        .grid = {launch->grid.x, launch->grid.y, launch->grid.z},
        .block = {launch->block.x, launch->block.y, launch->block.z},
        .blocks = (uint64_t)launch->grid.x * launch->grid.y * launch->grid.z,
        .threads = launch->block.x * launch->block.y * launch->block.z,
        .shared_dynamic = (uint32_t)launch->shared_bytes,
        .parameters = launch->parameters,
        .cooperative = launch->cooperative,
        .id = ++last_id,
        .stack_bytes = stack_bytes(kernel),
    };
    int error = emu_run_grid(&grid);
    if (error != 0)
        emu_device_failed((cudaError_t)error);
    return cudaSuccess;
}

static cudaError_t launch(const void *function, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
                          cudaStream_t stream, bool cooperative)
{
    Operation operation = {.kind = DO_KERNEL};
    cudaError_t error = emu_known_failure();
    if (error == cudaSuccess)
        error = emu_prepare_launch(&operation.launch, function, grid, block, arguments, shared_bytes, cooperative);
    if (error == cudaSuccess)
        error = emu_submit(stream, operation, "cudaLaunchKernel");
    return emu_return(error);
}

EXPORT cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
                                    cudaStream_t stream)
{
    return launch(function, grid, block, arguments, shared_bytes, stream, false);
}

EXPORT cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
                                      cudaStream_t stream)
{
    return launch(kernel, grid, block, arguments, shared_bytes, stream, false);
}

EXPORT cudaError_t cudaLaunchCooperativeKernel(const void *function, dim3 grid, dim3 block, void **arguments,
                                               size_t shared_bytes, cudaStream_t stream)
{
    return launch(function, grid, block, arguments, shared_bytes, stream, true);
}

EXPORT cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *function, void **arguments)
{
    bool cooperative = false;
    for (unsigned i = 0; i < config->numAttrs; i++) {
        const cudaLaunchAttribute *attribute = &config->attrs[i];
        if (attribute->id == cudaLaunchAttributeCooperative)
            cooperative = attribute->val.cooperative != 0;
        if (attribute->id == cudaLaunchAttributeClusterDimension &&
            attribute->val.clusterDim.x * attribute->val.clusterDim.y * attribute->val.clusterDim.z > 1) {
            emu_say("error", "cudaLaunchKernelExC: clusters of several blocks are not emulated");
            return emu_return(cudaErrorNotSupported);
        }
    }
    return launch(function, config->gridDim, config->blockDim, arguments, config->dynamicSmemBytes, config->stream,
                  cooperative);
}
