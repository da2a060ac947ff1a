/* CUDA's error numbers, and the state of the error of the calling thread and of the device. */
#ifndef TELERUN_ERROR_H
#define TELERUN_ERROR_H

#include <cuda_runtime_api.h>

/* Remembers `error` as the calling thread's last error (cudaSuccess changes nothing) and returns it. */
cudaError_t emu_return(cudaError_t error);

/* A kernel failed: every later call returns `error`, until the process ends or cudaDeviceReset. */
void emu_device_failed(cudaError_t error);

/* Begins an API call that waits for the device: the failure of an earlier kernel shows here. */
cudaError_t emu_enter(void);

/* cudaDeviceReset. */
void emu_forget_failures(void);

/* Failures of kernels that no call has returned yet are left alone: for launches and cudaGetLastError. */
cudaError_t emu_known_failure(void);

/* Bodies of API functions: `ENTER;` first, `return emu_return(...)` last. */
#define ENTER                                                                                                          \
    do {                                                                                                               \
        cudaError_t entered_ = emu_enter();                                                                            \
        if (entered_ != cudaSuccess)                                                                                   \
            return emu_return(entered_);                                                                               \
    } while (0)

#define EXPORT __attribute__((visibility("default")))

#endif
