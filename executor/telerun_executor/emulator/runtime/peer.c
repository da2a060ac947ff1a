/* Peers: the emulated devices share one memory, so access is only a matter of asking for it. */
#include "device_limits.h"
#include "error.h"

static bool is_device(int device) { return device >= 0 && device < emu_device_count(); }

EXPORT cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer)
{
    ENTER;
    if (!is_device(device) || !is_device(peer))
        return emu_return(cudaErrorInvalidDevice);
    *can = device != peer;
    return cudaSuccess;
}

static _Thread_local uint64_t peers[64];    /* per device a bit for each peer that it was given access to */

EXPORT cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags)
{
    ENTER;
    if (!is_device(peer) || peer == emu_current_device())
        return emu_return(cudaErrorInvalidDevice);
    if (flags != 0)
        return emu_return(cudaErrorInvalidValue);
    if (peers[emu_current_device()] >> peer & 1)
        return emu_return(cudaErrorPeerAccessAlreadyEnabled);
    peers[emu_current_device()] |= (uint64_t)1 << peer;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceDisablePeerAccess(int peer)
{
    ENTER;
    if (!is_device(peer))
        return emu_return(cudaErrorInvalidDevice);
    if (!(peers[emu_current_device()] >> peer & 1))
        return emu_return(cudaErrorPeerAccessNotEnabled);
    peers[emu_current_device()] &= ~((uint64_t)1 << peer);
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetP2PAttribute(int *value, enum cudaDeviceP2PAttr attribute, int from, int to)
{
    ENTER;
    if (!is_device(from) || !is_device(to) || from == to)
        return emu_return(cudaErrorInvalidDevice);
    *value = attribute == cudaDevP2PAttrAccessSupported || attribute == cudaDevP2PAttrNativeAtomicSupported;
    return cudaSuccess;
}
