//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* The cooperative-matrix shapes that a driver lists. */
#include "shim_internal.h"

static void query_fixed(vks_instance *in, VkPhysicalDevice phys, vks_caps *c) {
	uint32_t n = 0;
	if (!in->vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR ||
		in->vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(phys, &n, NULL) != VK_SUCCESS || n == 0)
		return;
	VkCooperativeMatrixPropertiesKHR *p = calloc(n, sizeof *p);
	if (!p) return;
	for (uint32_t i = 0; i < n; i++) p[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
	if (in->vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(phys, &n, p) >= VK_SUCCESS) {
		for (uint32_t i = 0; i < n && c->shapes < VKS_MAX_SHAPES; i++)
			c->shape[c->shapes++] = (vks_shape){
				.m = p[i].MSize, .n = p[i].NSize, .k = p[i].KSize,
				.a = p[i].AType, .b = p[i].BType, .c = p[i].CType, .result = p[i].ResultType,
				.scope = p[i].scope, .saturating = p[i].saturatingAccumulation,
			};
	}
	free(p);
}

static void query_flexible(vks_instance *in, VkPhysicalDevice phys, vks_caps *c) {
	uint32_t n = 0;
	if (!in->vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV ||
		in->vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(phys, &n, NULL) != VK_SUCCESS || n == 0)
		return;
	VkCooperativeMatrixFlexibleDimensionsPropertiesNV *p = calloc(n, sizeof *p);
	if (!p) return;
	for (uint32_t i = 0; i < n; i++) p[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV;
	if (in->vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(phys, &n, p) >= VK_SUCCESS) {
		for (uint32_t i = 0; i < n && c->flexible_shapes < VKS_MAX_SHAPES; i++)
			c->flexible[c->flexible_shapes++] = (vks_shape){
				.m = p[i].MGranularity, .n = p[i].NGranularity, .k = p[i].KGranularity,
				.a = p[i].AType, .b = p[i].BType, .c = p[i].CType, .result = p[i].ResultType,
				.scope = p[i].scope, .saturating = p[i].saturatingAccumulation, .invocations = p[i].workgroupInvocations,
			};
	}
	free(p);
}

void vks_query_shapes(vks_instance *in, uint64_t physical, vks_caps *c) {
	VkPhysicalDevice phys = AS(VkPhysicalDevice, physical);
	if (c->coopmat) query_fixed(in, phys, c);
	if (c->coopmat && c->nv2_flexible) query_flexible(in, phys, c);
}
