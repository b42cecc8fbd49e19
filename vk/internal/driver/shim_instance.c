//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Instance creation: version, layers and extensions. */
#include "shim_internal.h"

#define NAME(name, needed) #name,
#define NEEDED(name, needed) needed,
#define OFFSET(name, needed) offsetof(vks_instance, name),
static const char *const names[] = {VKS_INSTANCE_FUNCTIONS(NAME)};
static const int needed[] = {VKS_INSTANCE_FUNCTIONS(NEEDED)};
static const size_t offsets[] = {VKS_INSTANCE_FUNCTIONS(OFFSET)};

int vks_instance_function_count(void) { return (int)(sizeof names / sizeof *names); }
const char *vks_instance_function_name(int i) { return names[i]; }
int vks_instance_function_needed(int i) { return needed[i]; }
void *vks_instance_resolve(vks_instance *in, int i) { return (void *)in->get(in->handle, names[i]); }
void vks_instance_set(vks_instance *in, int i, void *address) { memcpy((char *)in + offsets[i], &address, sizeof address); }

void vks_instance_destroy(vks_instance *in) {
	PFN_vkDestroyInstance destroy = in->vkDestroyInstance ? in->vkDestroyInstance : (PFN_vkDestroyInstance)in->get(in->handle, "vkDestroyInstance");
	if (destroy) destroy(in->handle, NULL);
}

int32_t vks_list_physical(vks_instance *in, uint64_t *list, uint32_t *count) {
	VkPhysicalDevice found[VKS_MAX_PHYSICAL];
	if (*count > VKS_MAX_PHYSICAL) *count = VKS_MAX_PHYSICAL;
	VkResult result = in->vkEnumeratePhysicalDevices(in->handle, count, found);
	if (result < VK_SUCCESS) return result;
	for (uint32_t i = 0; i < *count; i++) list[i] = BITS(found[i]);
	return VK_SUCCESS;
}

uint32_t vks_instance_version(vks_instance *in) { return in->version; }

static VkResult find_layer(PFN_vkEnumerateInstanceLayerProperties list, const char *name, int *found) {
	uint32_t n = 0;
	*found = 0;
	VkResult result = list ? list(&n, NULL) : VK_SUCCESS;
	if (result < VK_SUCCESS || n == 0) return result;
	VkLayerProperties *p = calloc(n, sizeof *p);
	if (!p) return VK_ERROR_OUT_OF_HOST_MEMORY;
	result = list(&n, p);
	for (uint32_t i = 0; result >= VK_SUCCESS && i < n; i++) *found |= strcmp(p[i].layerName, name) == 0;
	free(p);
	return result;
}

static int has_extension(PFN_vkEnumerateInstanceExtensionProperties list, const char *layer, const char *name) {
	uint32_t n = 0;
	if (!list || list(layer, &n, NULL) != VK_SUCCESS || n == 0) return 0;
	VkExtensionProperties *p = calloc(n, sizeof *p);
	int found = 0;
	if (p && list(layer, &n, p) >= VK_SUCCESS)
		for (uint32_t i = 0; i < n; i++) found |= strcmp(p[i].extensionName, name) == 0;
	free(p);
	return found;
}

/* Loaders of Vulkan 1.0 do not have the function. */
uint32_t vks_loader_version(void *get_instance_proc_addr) {
	PFN_vkGetInstanceProcAddr get = (PFN_vkGetInstanceProcAddr)get_instance_proc_addr;
	PFN_vkEnumerateInstanceVersion version_of = (PFN_vkEnumerateInstanceVersion)get(NULL, "vkEnumerateInstanceVersion");
	uint32_t version = 1u << 22;
	if (version_of) version_of(&version);
	return version;
}

int32_t vks_create_instance(const vks_instance_options *opt, vks_instance **out, const char **call, char *err, size_t err_size) {
	PFN_vkGetInstanceProcAddr get = (PFN_vkGetInstanceProcAddr)opt->get_instance_proc_addr;
	PFN_vkCreateInstance create = (PFN_vkCreateInstance)get(NULL, "vkCreateInstance");
	PFN_vkEnumerateInstanceVersion version_of = (PFN_vkEnumerateInstanceVersion)get(NULL, "vkEnumerateInstanceVersion");
	PFN_vkEnumerateInstanceExtensionProperties extensions =
		(PFN_vkEnumerateInstanceExtensionProperties)get(NULL, "vkEnumerateInstanceExtensionProperties");
	PFN_vkEnumerateInstanceLayerProperties layers = (PFN_vkEnumerateInstanceLayerProperties)get(NULL, "vkEnumerateInstanceLayerProperties");
	static const char layer[] = "VK_LAYER_KHRONOS_validation";
	static const uint32_t v1_1 = 1u << 22 | 1u << 12, v1_3 = 1u << 22 | 3u << 12;

	err[0] = 0;
	uint32_t version = 1u << 22;
	*call = "vkEnumerateInstanceVersion";
	VkResult result = version_of ? version_of(&version) : VK_SUCCESS;
	if (result != VK_SUCCESS) return result;
	*call = "vkCreateInstance";
	if (!create || version < v1_1) {
		snprintf(err, err_size, "the Vulkan loader offers only Vulkan 1.0, and 1.1 is needed");
		return VK_ERROR_INITIALIZATION_FAILED;
	}
	if (version > v1_3) version = v1_3;
	int there = 1;
	if (opt->validate) {
		*call = "vkEnumerateInstanceLayerProperties";
		result = find_layer(layers, layer, &there);
		if (result < VK_SUCCESS) return result;
		*call = "vkCreateInstance";
	}
	if (!there) {
		snprintf(err, err_size, "validation was asked for, but %s is not installed (package vulkan-validationlayers, or set VK_LAYER_PATH)", layer);
		return VK_ERROR_INITIALIZATION_FAILED;
	}
	vks_instance *in = calloc(1, sizeof *in);
	if (!in) return VK_ERROR_OUT_OF_HOST_MEMORY;
	in->get = get;
	in->version = version;

	const char *enabled[4];
	uint32_t count = 0;
	VkFlags flags = 0;
	if (has_extension(extensions, NULL, "VK_KHR_portability_enumeration")) {
		enabled[count++] = "VK_KHR_portability_enumeration";
		flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
	}
	const VkEnum sync[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
	VkValidationFeaturesEXT features = {.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT, .enabledValidationFeatureCount = 1, .pEnabledValidationFeatures = sync};
	VkDebugUtilsMessengerCreateInfoEXT messenger = {
		.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
		.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
		.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
		.pfnUserCallback = vks_on_message,
	};
	/* Without the heuristic newer layers take no notice of what shaders access. */
	const VkBool32 on = 1;
	const VkLayerSettingEXT list[] = {
		{layer, "validate_sync", VK_LAYER_SETTING_TYPE_BOOL32_EXT, 1, &on},
		{layer, "syncval_shader_accesses_heuristic", VK_LAYER_SETTING_TYPE_BOOL32_EXT, 1, &on},
	};
	VkLayerSettingsCreateInfoEXT settings = {.sType = VK_STRUCTURE_TYPE_LAYER_SETTINGS_CREATE_INFO_EXT, .settingCount = 2, .pSettings = list};
	const void *next = NULL;
	const char *const enabled_layers[] = {layer};
	if (opt->validate) {
		in->messages = vks_messages_new();
		messenger.pUserData = in->messages;
		/* Chained to the instance so that its own creation is heard too. */
		messenger.pNext = next;
		next = &messenger;
		enabled[count++] = "VK_EXT_debug_utils";
		in->debug_utils = 1;
		if (has_extension(extensions, layer, "VK_EXT_layer_settings")) {
			enabled[count++] = "VK_EXT_layer_settings";
			settings.pNext = next;
			next = &settings;
		} else if (has_extension(extensions, layer, "VK_EXT_validation_features")) {
			enabled[count++] = "VK_EXT_validation_features";
			features.pNext = next;
			next = &features;
		}
	}
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "anchorvk", .pEngineName = "anchorvk", .apiVersion = version};
	VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pNext = next, .flags = flags, .pApplicationInfo = &app,
		.enabledLayerCount = opt->validate ? 1 : 0, .ppEnabledLayerNames = enabled_layers,
		.enabledExtensionCount = count, .ppEnabledExtensionNames = enabled,
	};
	result = create(&info, NULL, &in->handle);
	if (result != VK_SUCCESS) {
		vks_messages_free(in->messages);
		free(in);
		return result;
	}
	*out = in;
	return VK_SUCCESS;
}

int32_t vks_start_messenger(vks_instance *in) {
	if (!in->debug_utils || !in->vkCreateDebugUtilsMessengerEXT) return VK_SUCCESS;
	VkDebugUtilsMessengerCreateInfoEXT info = {
		.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
		.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
		.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
		.pfnUserCallback = vks_on_message,
		.pUserData = in->messages,
	};
	VkResult result = in->vkCreateDebugUtilsMessengerEXT(in->handle, &info, NULL, &in->messenger);
	UNLESS_MADE(result, in->messenger);
	return result;
}
