/* What nvcc's start-up code registers before main(): fat binaries, kernels, variables. Nothing is translated before it
 * is used. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>

#include "allocation.h"
#include "module.h"
#include "report.h"

#define WRAPPER_MAGIC 0x466243b1u

typedef struct Wrapper {
    uint32_t magic, version;
    const void *data;
    void *filename_or_fatbins;
} Wrapper;

/* A kernel or variable that the program registered. */
typedef struct Registered {
    const void *host;               /* the stub function, or the shadow variable */
    const char *name;
    Module *module;
    const EmuKernel *kernel;
    const EmuVariable *variable;
    bool is_variable, is_managed;
    struct Registered *next;        /* of the same bucket */
    struct Registered *next_managed;
} Registered;

#define BUCKETS 4096u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Registered *buckets[BUCKETS];
static Module *modules;

static Registered **bucket(const void *host) { return &buckets[((uintptr_t)host >> 4) * 0x9e3779b1u % BUCKETS]; }

EXPORT void **__cudaRegisterFatBinary(void *raw)
{
    const Wrapper *wrapper = raw;
    Module *module = calloc(1, sizeof *module);
    if (module == NULL)
        abort();
    if (wrapper->magic != WRAPPER_MAGIC)
        module->refused = "the program's fat binary has a form that is not known";
    else if (wrapper->version != 1)
        module->refused =
            "relocatable device code (nvcc -rdc=true, -dc) is not emulated: compile the program as one file without it";
    else
        module->ptx = emu_ptx_of_fatbinary(wrapper->data, &module->refused);
    pthread_mutex_lock(&lock);
    module->next = modules;
    modules = module;
    pthread_mutex_unlock(&lock);
    return (void **)module;
}

EXPORT void __cudaRegisterFatBinaryEnd(void **handle) { (void)handle; }
EXPORT void __cudaUnregisterFatBinary(void **handle) { (void)handle; }

static Registered *enter(Module *module, const void *host, const char *name)
{
    Registered *entered = calloc(1, sizeof *entered);
    if (entered == NULL)
        abort();
    *entered = (Registered){.host = host, .name = name, .module = module};
    pthread_mutex_lock(&lock);
    entered->next = *bucket(host);
    *bucket(host) = entered;
    pthread_mutex_unlock(&lock);
    return entered;
}

static Registered *find(const void *key, bool is_variable)
{
    Registered *found;
    pthread_mutex_lock(&lock);
    for (found = *bucket(key); found != NULL; found = found->next)
        if (found->host == key && found->is_variable == is_variable)
            break;
    pthread_mutex_unlock(&lock);
    return found;
}

EXPORT void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int thread_limit,
                                   uint3 *tid, uint3 *bid, dim3 *block, dim3 *grid, int *warp_size)
{
    (void)device, (void)thread_limit, (void)tid, (void)bid, (void)block, (void)grid, (void)warp_size;
    enter((Module *)handle, host, name);
}

EXPORT void __cudaRegisterVar(void **handle, char *host, char *device, const char *name, int is_external, size_t bytes,
                              int is_constant, int is_global)
{
    (void)device, (void)is_external, (void)bytes, (void)is_constant, (void)is_global;
    enter((Module *)handle, host, name)->is_variable = true;
}

/* The host reaches a managed variable through a pointer, which is set when the module is loaded. */
EXPORT void __cudaRegisterManagedVar(void **handle, void **host_pointer, char *device, const char *name,
                                     int is_external, size_t bytes, int is_constant, int is_global)
{
    (void)device, (void)is_external, (void)bytes, (void)is_constant, (void)is_global;
    Module *module = (Module *)handle;
    Registered *entered = enter(module, host_pointer, name);
    entered->is_variable = entered->is_managed = true;
    entered->next_managed = module->managed;
    module->managed = entered;
}

EXPORT void __cudaRegisterHostVar(void **handle, const char *name, char *host, size_t bytes)
{
    (void)bytes;
    enter((Module *)handle, host, name)->is_variable = true;
}

EXPORT char __cudaInitModule(void **handle) { return emu_module_load((Module *)handle) == cudaSuccess; }

/* Enters a kernel without a host function; its handle is the address of its name. */
const void *emu_enter_kernel(Module *module, const char *name)
{
    return find(name, false) != NULL ? name : enter(module, name, name)->host;
}

static const EmuVariable *variable_of(const EmuModule *table, const char *name)
{
    for (uint32_t i = 0; i < table->variable_count; i++)
        if (strcmp(table->variables[i].name, name) == 0)
            return &table->variables[i];
    return NULL;
}

static const EmuKernel *kernel_of(const EmuModule *table, const char *name)
{
    for (uint32_t i = 0; i < table->kernel_count; i++)
        if (strcmp(table->kernels[i].name, name) == 0)
            return &table->kernels[i];
    return NULL;
}

static cudaError_t load(Module *module)
{
    if (module->refused != NULL) {
        emu_say("error", "%s", module->refused);
        return cudaErrorNoKernelImageForDevice;
    }
    cudaError_t error = emu_open_library(module);
    if (error != cudaSuccess)
        return error;
    const EmuModule *table = module->table;
    if ((module->reported = calloc(table->site_count + 1, 1)) == NULL)
        return cudaErrorMemoryAllocation;
    for (uint32_t i = 0; i < table->variable_count; i++) {
        const EmuVariable *variable = &table->variables[i];
        bool is_managed = variable->kind == EMU_MANAGED_VARIABLE;
        uint64_t address = is_managed ? (uint64_t)(uintptr_t)variable->address : EMU_DEVICE(variable->address);
        emu_enter_allocation(address, variable->bytes, VARIABLE, variable->name);
    }
    if (table->initialise != NULL)
        table->initialise();
    for (Registered *each = module->managed; each != NULL; each = each->next_managed) {
        each->variable = variable_of(table, each->name);
        if (each->variable != NULL)
            *(void **)(uintptr_t)each->host = each->variable->address;
    }
    return cudaSuccess;
}

cudaError_t emu_module_load(Module *module)
{
    static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&loading);
    if (!module->tried) {
        module->failed = load(module);
        module->tried = true;
    }
    pthread_mutex_unlock(&loading);
    return module->failed;
}

cudaError_t emu_find_kernel(const void *function, Module **module, const EmuKernel **kernel)
{
    Registered *found = find(function, false);
    if (found == NULL)
        return cudaErrorInvalidDeviceFunction;
    cudaError_t error = emu_module_load(found->module);
    if (error != cudaSuccess)
        return error;
    if (found->kernel == NULL && (found->kernel = kernel_of(found->module->table, found->name)) == NULL) {
        emu_say("error", "kernel %s is not in the program's PTX", found->name);
        return cudaErrorInvalidDeviceFunction;
    }
    *module = found->module;
    *kernel = found->kernel;
    return cudaSuccess;
}

/* The host names a managed variable by its own address. */
static const EmuVariable *managed_at(const void *address)
{
    for (const Module *module = modules; module != NULL; module = module->next)
        for (const Registered *each = module->managed; each != NULL; each = each->next_managed)
            if (each->variable != NULL && each->variable->address == address)
                return each->variable;
    return NULL;
}

cudaError_t emu_find_variable(const void *shadow, const EmuVariable **variable)
{
    Registered *found = find(shadow, true);
    if (found == NULL)
        return (*variable = managed_at(shadow)) == NULL ? cudaErrorInvalidSymbol : cudaSuccess;
    cudaError_t error = emu_module_load(found->module);
    if (error != cudaSuccess)
        return error;
    if (found->variable == NULL && (found->variable = variable_of(found->module->table, found->name)) == NULL)
        return cudaErrorInvalidSymbol;
    *variable = found->variable;
    return cudaSuccess;
}

/* A stub's address serves as its handle: then a lookup is one step. */
EXPORT cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function)
{
    if (find(function, false) == NULL)
        return emu_return(cudaErrorInvalidDeviceFunction);
    *kernel = (cudaKernel_t)(uintptr_t)function;
    return cudaSuccess;
}
