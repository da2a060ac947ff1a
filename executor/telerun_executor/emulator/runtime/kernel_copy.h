/* Asynchronous copies. A copy happens when its group is waited for, not before: a missing wait shows as stale data.
 *
 * `to` and `from` are host pointers from emu_shared_at(..., EMU_STORE) and emu_global_at(..., EMU_LOAD).
 */
#ifndef TELERUN_KERNEL_COPY_H
#define TELERUN_KERNEL_COPY_H

/* cp.async.{ca,cg}.shared.global [to], [from], bytes{, source_bytes}: what is beyond source_bytes becomes zero. */
void emu_cp_async(EmuThread *t, void *to, const void *from, uint32_t bytes, uint32_t source_bytes, uint32_t site);
void emu_cp_async_commit(EmuThread *t);
void emu_cp_async_wait(EmuThread *t, uint32_t pending_groups);     /* cp.async.wait_group */
void emu_cp_async_wait_all(EmuThread *t);
void emu_cp_async_mbarrier(EmuThread *t, void *barrier, bool noinc, uint32_t site);   /* cp.async.mbarrier.arrive */

#endif
