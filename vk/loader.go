package vk

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// loader holds what is opened once for the process.
var loader struct {
	sync.Mutex
	address unsafe.Pointer // vkGetInstanceProcAddr
}

// openLoader opens the Vulkan loader. A failure is not remembered: the next call tries again.
func openLoader() (getInstanceProcAddr unsafe.Pointer, err error) {
	loader.Lock()
	defer loader.Unlock()
	if loader.address != nil {
		return loader.address, nil
	}
	address, problem := driver.OpenLoader()
	if address == nil {
		return nil, &NoDeviceError{Why: "the Vulkan loader cannot be opened: " + problem, Try: "install libvulkan1 (Debian, Ubuntu), vulkan-loader (Fedora), or a GPU driver"}
	}
	loader.address = address
	return address, nil
}

// LoaderVersion is the highest Vulkan version that the loader knows, as
// 1.3.239. It needs no driver; the error is a *NoDeviceError.
func LoaderVersion() (string, error) {
	if !driver.Supported {
		return "", unsupported()
	}
	get, err := openLoader()
	if err != nil {
		return "", err
	}
	return versionText(driver.LoaderVersion(get)), nil
}

// versionText spells a version of Vulkan, as 1.3.239.
func versionText(v uint32) string { return fmt.Sprintf("%d.%d.%d", v>>22, v>>12&0x3ff, v&0xfff) }

// unsupported is the error of a build that cannot call Vulkan: without cgo, or
// for another system.
func unsupported() error {
	return &NoDeviceError{
		Why:   fmt.Sprintf("this program was built for %s/%s without Vulkan", runtime.GOOS, runtime.GOARCH),
		Try:   "build it with CGO_ENABLED=1 and a C compiler, for Linux, Windows, macOS or FreeBSD on a 64-bit processor",
		Cause: ErrUnsupported,
	}
}
