/* cudaGetLastError and its kin.
 *
 * A kernel has run when its launch returns, but its failure is shown as a GPU would show it: by the next call that
 * waits for the device, and from then on by every call.
 */
#include <stdatomic.h>

#include "error.h"
#include "report.h"

static _Thread_local cudaError_t last;
static _Atomic cudaError_t pending;    /* a kernel failed, and nobody was told yet */
static _Atomic cudaError_t failed;     /* it was told: the device is lost */

cudaError_t emu_return(cudaError_t error)
{
    if (error != cudaSuccess)
        last = error;
    return error;
}

void emu_device_failed(cudaError_t error)
{
    cudaError_t none = cudaSuccess;
    atomic_compare_exchange_strong(&pending, &none, error);
}

cudaError_t emu_known_failure(void) { return atomic_load(&failed); }

cudaError_t emu_enter(void)
{
    cudaError_t news = atomic_load(&pending);
    if (news != cudaSuccess)
        atomic_store(&failed, news);
    return atomic_load(&failed);
}

void emu_forget_failures(void)
{
    pending = failed = cudaSuccess;
    last = cudaSuccess;
}

EXPORT cudaError_t cudaGetLastError(void)
{
    cudaError_t error = last;
    last = cudaSuccess;
    return error;
}

EXPORT cudaError_t cudaPeekAtLastError(void) { return last; }

typedef struct ErrorText {
    int number;
    const char *name, *text;
} ErrorText;

static const ErrorText *find(cudaError_t error)
{
#define ERROR(number, name, text) {number, #name, text},
    static const ErrorText texts[] = {
#include "errors.h"
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].number == (int)error)
            return &texts[i];
    return NULL;
}

EXPORT const char *cudaGetErrorName(cudaError_t error)
{
    const ErrorText *found = find(error);
    return found == NULL ? "unrecognized error code" : found->name;
}

EXPORT const char *cudaGetErrorString(cudaError_t error)
{
    const ErrorText *found = find(error);
    return found == NULL ? "unrecognized error code" : found->text;
}
