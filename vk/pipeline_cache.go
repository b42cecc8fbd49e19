package vk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/anchorvk/anchorvk/internal/atomicfile"
	"github.com/anchorvk/anchorvk/internal/privatefile"
	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// pipelineCache is what the driver keeps of compiled kernels, for itself and
// for the next process.
type pipelineCache struct {
	handle uint64      // 0: the driver gave none, and pipelines are only slower to make
	failed error       // why not
	made   atomic.Bool // a pipeline was made since the file was written
	saving sync.Mutex
}

// key says what a stored cache must be of.
func (d *Device) cacheKey() cacheKey {
	c := d.physical.caps
	return cacheKey{vendor: c.Vendor, device: c.Device, driverVersion: c.DriverVersion, uuid: c.CacheUUID}
}

// openCache makes the device's cache from what the options name. Whatever is
// wrong with that is a warning: kernels are compiled then.
func (d *Device) openCache() {
	d.cache.handle, d.cache.failed = d.newCache(nil)
	if blob := d.opt.PipelineCache; len(blob) > 0 {
		if payload, err := unwrapCache(blob, d.cacheKey()); err != nil {
			d.log.Warn("the pipeline cache that was passed is not used", "why", err)
		} else {
			d.mergeCache(payload)
		}
	}
	if d.opt.CacheDir != "" {
		atomicfile.Sweep(d.opt.CacheDir)
		d.mergeCache(d.readCacheFile())
	}
}

// newCache makes a driver object; 0 when the driver refuses.
func (d *Device) newCache(payload []byte) (uint64, error) {
	handle, r := d.driver.CreatePipelineCache(payload)
	return handle, callError("vkCreatePipelineCache", r)
}

// mergeCache adds a payload to the device's cache, before any other use of it.
func (d *Device) mergeCache(payload []byte) {
	if len(payload) == 0 || d.cache.handle == 0 {
		return
	}
	if other, err := d.newCache(payload); err == nil {
		d.driver.MergePipelineCaches(d.cache.handle, other)
		d.driver.DestroyPipelineCache(other)
	}
}

// cacheFile is the file of this device and driver.
func (d *Device) cacheFile() string { return filepath.Join(d.opt.CacheDir, d.cacheKey().fileName()) }

// readCacheFile returns the payload of the file, nil when there is none that
// can be used.
func (d *Device) readCacheFile() []byte {
	blob, err := privatefile.Read(d.cacheFile(), maxCacheFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var payload []byte
	if err == nil {
		payload, err = unwrapCache(blob, d.cacheKey())
	}
	if err != nil {
		d.log.Warn("the pipeline cache is not used, and will be written anew", "file", d.cacheFile(), "why", err)
		return nil
	}
	return payload
}

// PipelineCacheData returns what the driver keeps of the pipelines made so
// far, for Options.PipelineCache of a later process. It is good for this
// device and driver version only, which is checked there.
func (d *Device) PipelineCacheData() ([]byte, error) {
	if err := d.lifetime.enter(); err != nil {
		return nil, err
	}
	defer d.lifetime.leave()
	if d.cache.handle == 0 {
		return nil, fmt.Errorf("vk: the driver has no pipeline cache: %w", d.cache.failed)
	}
	payload, err := d.cachePayload(d.cache.handle)
	if err != nil {
		return nil, d.fail(err)
	}
	return wrapCache(payload, d.cacheKey()), nil
}

func (d *Device) cachePayload(cache uint64) ([]byte, error) {
	for {
		size, r := d.driver.PipelineCacheData(cache, nil)
		if r != driver.Success {
			return nil, callError("vkGetPipelineCacheData", r)
		}
		data := make([]byte, size)
		switch size, r := d.driver.PipelineCacheData(cache, data); r {
		case driver.Success:
			return data[:size], nil
		case driver.Incomplete: // a pipeline was made in between
		default:
			return nil, callError("vkGetPipelineCacheData", r)
		}
	}
}

// SavePipelineCache writes the file of Options.CacheDir, when pipelines were
// made since it was last written. Close does so too. What another process has
// written to it in the meantime is kept. Without a directory it does nothing.
func (d *Device) SavePipelineCache() error {
	if err := d.lifetime.enter(); err != nil {
		return err
	}
	defer d.lifetime.leave()
	return d.saveCache()
}

func (d *Device) saveCache() error {
	if d.opt.CacheDir == "" || d.cache.handle == 0 || !d.cache.made.Load() {
		return nil
	}
	d.cache.saving.Lock()
	defer d.cache.saving.Unlock()
	d.cache.made.Store(false)
	// In a cache of its own: pipelines may be made meanwhile, and only what is
	// merged from may be in use.
	stored := d.readCacheFile()
	all, err := d.newCache(stored)
	if err != nil {
		d.cache.made.Store(true)
		return fmt.Errorf("vk: save the pipeline cache: %w", err)
	}
	defer d.driver.DestroyPipelineCache(all)
	var payload []byte
	err = callError("vkMergePipelineCaches", d.driver.MergePipelineCaches(all, d.cache.handle))
	if err == nil {
		payload, err = d.cachePayload(all)
	}
	if err == nil && !bytes.Equal(payload, stored) {
		err = privatefile.Write(d.cacheFile(), wrapCache(payload, d.cacheKey()))
	}
	if err != nil {
		d.cache.made.Store(true)
		return fmt.Errorf("vk: save the pipeline cache: %w", err)
	}
	return nil
}

// closeCache saves and frees the cache; a cache that cannot be saved is no
// reason to fail.
func (d *Device) closeCache() {
	if d.lifetime.loss() == nil {
		if err := d.saveCache(); err != nil {
			d.log.Warn("the pipeline cache was not saved", "why", err)
		}
	}
	d.driver.DestroyPipelineCache(d.cache.handle)
	d.cache.handle = 0
}
