// Runs one workgroup of a compute shader on the first device of a Vulkan driver.
//   compute DRIVER.so MODULE.spv WORDS [HEX...]
// Binding 0 of set 0 is a storage buffer of WORDS 32-bit words that starts with
// the given ones, then zeros; its words after the run go to stdout in hexadecimal.
// All features that the driver offers and the structures below name are on.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

static PFN_vkGetInstanceProcAddr lookup;
static VkInstance instance;

#define CALL(name) ((PFN_##name)lookup(instance, #name))
#define OK(call) do { VkResult r_ = (call); if (r_ != VK_SUCCESS) { fprintf(stderr, "%s: %d\n", #call, r_); exit(2); } } while (0)

static void *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	if (!f) { perror(path); exit(2); }
	fseek(f, 0, SEEK_END);
	*size = ftell(f);
	rewind(f);
	void *data = malloc(*size);
	if (fread(data, 1, *size, f) != *size) { perror(path); exit(2); }
	fclose(f);
	return data;
}

int main(int argc, char **argv)
{
	if (argc < 4) { fprintf(stderr, "usage: compute DRIVER.so MODULE.spv WORDS [HEX...]\n"); return 2; }
	void *driver = dlopen(argv[1], RTLD_NOW);
	if (!driver) { fprintf(stderr, "%s\n", dlerror()); return 2; }
	VkResult (*negotiate)(uint32_t *) = (VkResult(*)(uint32_t *))dlsym(driver, "vk_icdNegotiateLoaderICDInterfaceVersion");
	uint32_t version = 5;
	if (negotiate) OK(negotiate(&version));
	lookup = (PFN_vkGetInstanceProcAddr)dlsym(driver, "vk_icdGetInstanceProcAddr");
	VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
	VkInstanceCreateInfo make_instance = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	OK(CALL(vkCreateInstance)(&make_instance, NULL, &instance));
	uint32_t one = 1;
	VkPhysicalDevice gpu;
	CALL(vkEnumeratePhysicalDevices)(instance, &one, &gpu);
	VkPhysicalDeviceProperties properties;
	CALL(vkGetPhysicalDeviceProperties)(gpu, &properties);
	fprintf(stderr, "%s\n", properties.deviceName);

	uint32_t count = 0;
	CALL(vkEnumerateDeviceExtensionProperties)(gpu, NULL, &count, NULL);
	VkExtensionProperties *list = calloc(count, sizeof *list);
	CALL(vkEnumerateDeviceExtensionProperties)(gpu, NULL, &count, list);
	const char *extensions[2];
	uint32_t enabled = 0;
	VkPhysicalDeviceCooperativeMatrix2FeaturesNV matrix2 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
	VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
	VkPhysicalDeviceVulkan13Features v13 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
	VkPhysicalDeviceVulkan12Features v12 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, .pNext = &v13};
	VkPhysicalDeviceVulkan11Features v11 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &v12};
	VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v11};
	for (uint32_t i = 0; i < count; i++) {
		if (!strcmp(list[i].extensionName, "VK_KHR_cooperative_matrix")) {
			extensions[enabled++] = "VK_KHR_cooperative_matrix";
			matrix.pNext = v13.pNext;
			v13.pNext = &matrix;
		} else if (!strcmp(list[i].extensionName, "VK_NV_cooperative_matrix2")) {
			extensions[enabled++] = "VK_NV_cooperative_matrix2";
			matrix2.pNext = v13.pNext;
			v13.pNext = &matrix2;
		}
	}
	CALL(vkGetPhysicalDeviceFeatures2)(gpu, &features);
	features.features.robustBufferAccess = VK_FALSE;
	float priority = 1;
	VkDeviceQueueCreateInfo queues = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
	VkDeviceCreateInfo make_device = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &features, .queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queues, .enabledExtensionCount = enabled, .ppEnabledExtensionNames = extensions};
	VkDevice device;
	OK(CALL(vkCreateDevice)(gpu, &make_device, NULL, &device));
	VkQueue queue;
	CALL(vkGetDeviceQueue)(device, 0, 0, &queue);

	uint32_t words = strtoul(argv[3], NULL, 10);
	VkBufferCreateInfo make_buffer = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = words * 4, .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
	VkBuffer buffer;
	OK(CALL(vkCreateBuffer)(device, &make_buffer, NULL, &buffer));
	VkMemoryRequirements needs;
	CALL(vkGetBufferMemoryRequirements)(device, buffer, &needs);
	VkPhysicalDeviceMemoryProperties memories;
	CALL(vkGetPhysicalDeviceMemoryProperties)(gpu, &memories);
	uint32_t type = 0, wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	while (!(needs.memoryTypeBits >> type & 1) || (memories.memoryTypes[type].propertyFlags & wanted) != wanted) type++;
	VkMemoryAllocateInfo allocate = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = needs.size, .memoryTypeIndex = type};
	VkDeviceMemory memory;
	OK(CALL(vkAllocateMemory)(device, &allocate, NULL, &memory));
	OK(CALL(vkBindBufferMemory)(device, buffer, memory, 0));
	uint32_t *data;
	OK(CALL(vkMapMemory)(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&data));
	memset(data, 0, words * 4);
	for (int i = 4; i < argc && i - 4 < (int)words; i++) data[i - 4] = strtoul(argv[i], NULL, 16);

	VkShaderModuleCreateInfo make_module = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
	make_module.pCode = read_file(argv[2], &make_module.codeSize);
	VkShaderModule module;
	OK(CALL(vkCreateShaderModule)(device, &make_module, NULL, &module));
	VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL};
	VkDescriptorSetLayoutCreateInfo make_set_layout = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
	VkDescriptorSetLayout set_layout;
	OK(CALL(vkCreateDescriptorSetLayout)(device, &make_set_layout, NULL, &set_layout));
	VkPipelineLayoutCreateInfo make_layout = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &set_layout};
	VkPipelineLayout layout;
	OK(CALL(vkCreatePipelineLayout)(device, &make_layout, NULL, &layout));
	VkComputePipelineCreateInfo make_pipeline = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .layout = layout,
		.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module, .pName = "main"}};
	VkPipeline pipeline;
	OK(CALL(vkCreateComputePipelines)(device, VK_NULL_HANDLE, 1, &make_pipeline, NULL, &pipeline));

	VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
	VkDescriptorPoolCreateInfo make_pool = {VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
	VkDescriptorPool pool;
	OK(CALL(vkCreateDescriptorPool)(device, &make_pool, NULL, &pool));
	VkDescriptorSetAllocateInfo make_set = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = pool, .descriptorSetCount = 1, .pSetLayouts = &set_layout};
	VkDescriptorSet set;
	OK(CALL(vkAllocateDescriptorSets)(device, &make_set, &set));
	VkDescriptorBufferInfo whole = {buffer, 0, VK_WHOLE_SIZE};
	VkWriteDescriptorSet write = {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = set, .descriptorCount = 1,
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = &whole};
	CALL(vkUpdateDescriptorSets)(device, 1, &write, 0, NULL);

	VkCommandPoolCreateInfo make_commands = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
	VkCommandPool commands;
	OK(CALL(vkCreateCommandPool)(device, &make_commands, NULL, &commands));
	VkCommandBufferAllocateInfo make_record = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = commands, .commandBufferCount = 1};
	VkCommandBuffer record;
	OK(CALL(vkAllocateCommandBuffers)(device, &make_record, &record));
	VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	OK(CALL(vkBeginCommandBuffer)(record, &begin));
	CALL(vkCmdBindPipeline)(record, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
	CALL(vkCmdBindDescriptorSets)(record, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
	CALL(vkCmdDispatch)(record, 1, 1, 1);
	VkMemoryBarrier to_host = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, NULL, VK_ACCESS_SHADER_WRITE_BIT, VK_ACCESS_HOST_READ_BIT};
	CALL(vkCmdPipelineBarrier)(record, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0, NULL, 0, NULL);
	OK(CALL(vkEndCommandBuffer)(record));
	VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &record};
	OK(CALL(vkQueueSubmit)(queue, 1, &submit, VK_NULL_HANDLE));
	OK(CALL(vkQueueWaitIdle)(queue));
	for (uint32_t i = 0; i < words; i++) printf("%08x%c", data[i], i % 8 == 7 || i + 1 == words ? '\n' : ' ');
	return 0;
}
