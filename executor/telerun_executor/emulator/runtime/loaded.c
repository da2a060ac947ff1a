/* cudaLibrary*: PTX or fat binaries that the program loads itself, as NVRTC's users do. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "allocation.h"
#include "error.h"
#include "module.h"
#include "report.h"

#if CUDART_VERSION >= 12080    /* older toolkits do not declare these functions */

#define FATBINARY 0xba55ed50u
#define WRAPPER 0x466243b1u

/* Text is PTX; anything else has to be a fat binary, or the wrapper that nvcc puts around one. */
static char *ptx_of(const void *code, const char **refused)
{
    uint32_t magic;
    const void *data;
    memcpy(&magic, code, sizeof magic);
    if (magic == WRAPPER) {
        memcpy(&data, (const uint8_t *)code + 8, sizeof data);
        return emu_ptx_of_fatbinary(data, refused);
    }
    if (magic == FATBINARY)
        return emu_ptx_of_fatbinary(code, refused);
    if (magic == 0x464c457f) {
        *refused = "machine code (a cubin) cannot be emulated: load PTX";
        return NULL;
    }
    size_t bytes = strlen(code);
    while (bytes > 0 && strchr("\n\r\t ", ((const char *)code)[bytes - 1]) != NULL)
        bytes--;
    return strndup(code, bytes);
}

EXPORT cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code, enum cudaJitOption *jit_options,
                                       void **jit_values, unsigned jit_count, enum cudaLibraryOption *options,
                                       void **values, unsigned count)
{
    (void)jit_options, (void)jit_values, (void)jit_count, (void)options, (void)values, (void)count;
    ENTER;
    if (library == NULL || code == NULL)
        return emu_return(cudaErrorInvalidValue);
    Module *module = calloc(1, sizeof *module);
    if (module == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    module->ptx = ptx_of(code, &module->refused);
    cudaError_t error = emu_module_load(module);
    *library = (cudaLibrary_t)module;
    return emu_return(error);
}

EXPORT cudaError_t cudaLibraryLoadFromFile(cudaLibrary_t *library, const char *path, enum cudaJitOption *jit_options,
                                           void **jit_values, unsigned jit_count, enum cudaLibraryOption *options,
                                           void **values, unsigned count)
{
    FILE *file = fopen(path, "re");
    long bytes = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *code = bytes < 0 ? NULL : calloc((size_t)bytes + 1, 1);
    bool is_read = code != NULL && fseek(file, 0, SEEK_SET) == 0 &&
                   fread(code, 1, (size_t)bytes, file) == (size_t)bytes;
    if (file != NULL)
        fclose(file);
    if (!is_read) {
        free(code);
        return emu_return(cudaErrorFileNotFound);
    }
    cudaError_t error = cudaLibraryLoadData(library, code, jit_options, jit_values, jit_count, options, values, count);
    free(code);
    return error;
}

/* The module stays: pointers to its kernels and variables may be kept. */
EXPORT cudaError_t cudaLibraryUnload(cudaLibrary_t library)
{
    ENTER;
    return emu_return(library == NULL ? cudaErrorInvalidResourceHandle : cudaSuccess);
}

static const EmuModule *table_of(cudaLibrary_t library) { return library == NULL ? NULL : ((Module *)library)->table; }

EXPORT cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library, const char *name)
{
    ENTER;
    const EmuModule *table = table_of(library);
    if (table == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    for (uint32_t i = 0; i < table->kernel_count; i++)
        if (strcmp(table->kernels[i].name, name) == 0) {
            *kernel = (cudaKernel_t)emu_enter_kernel((Module *)library, table->kernels[i].name);
            return cudaSuccess;
        }
    return emu_return(cudaErrorSymbolNotFound);
}

static cudaError_t find(void **address, size_t *bytes, cudaLibrary_t library, const char *name, bool is_managed)
{
    ENTER;
    const EmuModule *table = table_of(library);
    if (table == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    for (uint32_t i = 0; i < table->variable_count; i++) {
        const EmuVariable *variable = &table->variables[i];
        if (strcmp(variable->name, name) == 0 && (variable->kind == EMU_MANAGED_VARIABLE) == is_managed) {
            uint64_t host = (uint64_t)(uintptr_t)variable->address;
            if (address != NULL)
                *address = (void *)(uintptr_t)(is_managed ? host : host | EMU_DEVICE_BIT);
            if (bytes != NULL)
                *bytes = variable->bytes;
            return cudaSuccess;
        }
    }
    return emu_return(cudaErrorSymbolNotFound);
}

EXPORT cudaError_t cudaLibraryGetGlobal(void **address, size_t *bytes, cudaLibrary_t library, const char *name)
{
    return find(address, bytes, library, name, false);
}

EXPORT cudaError_t cudaLibraryGetManaged(void **address, size_t *bytes, cudaLibrary_t library, const char *name)
{
    return find(address, bytes, library, name, true);
}

EXPORT cudaError_t cudaLibraryGetKernelCount(unsigned *count, cudaLibrary_t library)
{
    ENTER;
    const EmuModule *table = table_of(library);
    if (table == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    *count = table->kernel_count;
    return cudaSuccess;
}

EXPORT cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t *kernels, unsigned count, cudaLibrary_t library)
{
    ENTER;
    const EmuModule *table = table_of(library);
    if (table == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    for (unsigned i = 0; i < count && i < table->kernel_count; i++)
        kernels[i] = (cudaKernel_t)emu_enter_kernel((Module *)library, table->kernels[i].name);
    return cudaSuccess;
}

#endif
