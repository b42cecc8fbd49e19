//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Submission to the queue, waiting, and what comes back. */
#include "shim_internal.h"
#include <time.h>

int32_t vks_submit(vks_device *d, vks_recorder *r, const vks_timeline *wait, uint32_t waits, const vks_timeline *signal, uint32_t signals) {
	if (waits > VKS_MAX_SYNC || signals > VKS_MAX_SYNC) return VK_ERROR_INITIALIZATION_FAILED; /* the caller has checked it */
	VkSemaphore wait_list[VKS_MAX_SYNC], signal_list[VKS_MAX_SYNC];
	uint64_t wait_values[VKS_MAX_SYNC], signal_values[VKS_MAX_SYNC];
	VkFlags wait_stages[VKS_MAX_SYNC];
	for (uint32_t i = 0; i < waits; i++) {
		wait_list[i] = AS(VkSemaphore, wait[i].semaphore);
		wait_values[i] = wait[i].value;
		wait_stages[i] = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
	}
	for (uint32_t i = 0; i < signals; i++) {
		signal_list[i] = AS(VkSemaphore, signal[i].semaphore);
		signal_values[i] = signal[i].value;
	}
	VkTimelineSemaphoreSubmitInfo values = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, .waitSemaphoreValueCount = waits, .pWaitSemaphoreValues = wait_values,
		.signalSemaphoreValueCount = signals, .pSignalSemaphoreValues = signal_values};
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .pNext = waits || signals ? &values : NULL,
		.waitSemaphoreCount = waits, .pWaitSemaphores = wait_list, .pWaitDstStageMask = wait_stages,
		.commandBufferCount = r ? 1 : 0, .pCommandBuffers = r ? &r->commands : NULL,
		.signalSemaphoreCount = signals, .pSignalSemaphores = signal_list};
	if (r) {
		VkResult result = CALL(r->call, d, vkResetFences, 1, &r->fence);
		if (result != VK_SUCCESS) return result;
	}
	if (r) r->call = "vkQueueSubmit";
	if (d->lock) d->lock(d->lock_user, d->family, d->index);
	VkResult result = d->vkQueueSubmit(d->queue, 1, &info, r ? r->fence : NULL);
	if (d->unlock) d->unlock(d->lock_user, d->family, d->index);
	return result;
}

int32_t vks_wait(vks_device *d, vks_recorder *r, uint64_t nanoseconds) { return d->vkWaitForFences(d->handle, 1, &r->fence, 1, nanoseconds); }

int32_t vks_semaphore_value(vks_device *d, uint64_t semaphore, uint64_t *value) {
	PFN_vkGetSemaphoreCounterValue get = d->vkGetSemaphoreCounterValue ? d->vkGetSemaphoreCounterValue : d->vkGetSemaphoreCounterValueKHR;
	return get ? get(d->handle, AS(VkSemaphore, semaphore), value) : VK_ERROR_EXTENSION_NOT_PRESENT;
}

int64_t vks_processor_time(void) { return (int64_t)((double)clock() * 1e6 / CLOCKS_PER_SEC); }

/* Does not wait: the fence says that the work has ended, and a query of work that never ran would stay unavailable for ever. */
int32_t vks_read_timestamps(vks_device *d, vks_recorder *r, uint64_t *ticks, uint32_t count) {
	return d->vkGetQueryPoolResults(d->handle, r->queries, 0, count, 8 * (size_t)count, ticks, 8, VK_QUERY_RESULT_64_BIT);
}
