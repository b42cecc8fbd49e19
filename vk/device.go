package vk

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// Device is an opened Vulkan device with one compute queue. Its methods may be
// called from several goroutines.
type Device struct {
	opt      Options
	log      *slog.Logger
	instance *instance
	physical physical
	api      uint32 // the version of Vulkan that may be used: the device's, or its instance's where that is older
	driver   driver.Device
	priority Priority  // granted
	lent     *Borrowed // nil for a device of our own

	queue    *queue        // shared by all devices that submit to it
	progress atomic.Uint64 // submissions that have finished
	lifetime lifetime
	memory   allocator
	canaries canaries
	layouts  layouts
	cache    pipelineCache
	transfer transfer
}

// Open opens the device that opt picks. Errors are *NoDeviceError,
// *FeatureError (validation layer missing) or what the driver says.
func Open(opt Options) (*Device, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	if !driver.Supported {
		return nil, unsupported()
	}
	in, err := newInstance(&opt)
	if err != nil {
		return nil, err
	}
	found, err := in.devices(&opt)
	if err != nil {
		in.close()
		return nil, err
	}
	reports := make([]*Report, len(found))
	for i := range found {
		reports[i] = &found[i].report
	}
	chosen, err := choose(reports, opt.Device)
	if err != nil {
		in.close()
		return nil, err
	}
	chosen.Default = true
	d := newDevice(opt, in, found[chosen.Index])
	if err := d.create(); err != nil {
		in.close()
		return nil, err
	}
	d.log.Debug("vulkan device opened", "device", d.physical.report.String())
	return d, nil
}

func newDevice(opt Options, in *instance, p physical) *Device {
	d := &Device{opt: opt, log: opt.logger(), instance: in, physical: p}
	d.api = min(p.caps.API, in.driver.Version())
	d.lifetime.init()
	return d
}

// create makes the VkDevice with the features that the report says are on.
func (d *Device) create() error {
	enable := enabled(&d.physical.report, d.physical.caps)
	err := d.createWithPriority(&enable)
	switch {
	case refusesFeatures(err):
		err = d.createWithout(err)
	case err != nil:
		err = fmt.Errorf("%w%s", err, layersText())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.physical.report.Name, err)
	}
	if err := d.attach(0, d.physical.caps.QueueFamily, 0); err != nil {
		d.driver.Destroy()
		d.driver.Close()
		return err
	}
	return nil
}

// attach makes what the package needs of a VkDevice: its functions, the queue
// (0: the one of that family and index) and a pipeline cache.
func (d *Device) attach(queue Handle, family, index uint32) error {
	if missing := d.driver.Resolve(d.opt.Hook); missing != "" {
		return &NoDeviceError{Why: d.Report().Name + " has no function " + missing, Try: "update its driver"}
	}
	if queue == 0 {
		queue = Handle(d.driver.Queue(family, index))
	}
	if queue == 0 { // the driver knows no such queue, or one that was made with flags
		return &BorrowError{"Borrowed.Queue", fmt.Sprintf("is a null handle, and vkGetDeviceQueue has no queue %d of family %d either", index, family), "pass the handle of a queue that you made the device with"}
	}
	d.driver.SetQueue(uint64(queue), family, index)
	d.queue = shareQueue(queue)
	d.memory.init(d)
	d.openCache()
	return nil
}

// Report says what the device offers. It must not be changed.
func (d *Device) Report() *Report { return &d.physical.report }

// Err returns the latched *DeviceLostError or *TimeoutError, nil while the device works.
func (d *Device) Err() error { return d.lifetime.loss() }

// ValidationMessages takes out the messages of the validation layer that have
// come in since the last call; none without Options.Validate.
func (d *Device) ValidationMessages() []string {
	if err := d.lifetime.enterLost(); err != nil {
		return nil
	}
	defer d.lifetime.leave()
	return d.instance.messages()
}

// Close waits for the calls that are running, frees everything that belongs to
// the device and closes it. It may be called at any time, from any goroutine,
// more than once, and after the device was lost. Buffers, pipelines and
// recorders of the device are closed with it.
//
// While recordings (see Recorder.Hold) are open it frees nothing and returns
// an error; close them first, once the device has done with them.
//
// After a TimeoutError the work may still be running; if it does not end
// within a second Close leaves the driver's objects alone and returns
// ErrAbandoned: the device is closed then all the same.
func (d *Device) Close() error { return d.lifetime.close(d.destroy) }

func (d *Device) destroy() error {
	if !d.lifetime.drain(time.Second) {
		return ErrAbandoned
	}
	d.lifetime.destroyChildren()
	d.layouts.destroy(d)
	d.closeCache()
	d.canaries.destroy(d)
	d.memory.destroy()
	d.queue.release()
	if d.lent == nil {
		d.driver.Destroy()
	}
	d.driver.Close()
	d.instance.close()
	return nil
}

// fail passes an error on, and latches it when it means that the device is gone.
func (d *Device) fail(err error) error {
	var lost *DeviceLostError
	var timeout *TimeoutError
	if errors.As(err, &lost) || errors.As(err, &timeout) {
		if d.lifetime.latch(err) {
			d.log.Warn("vulkan device given up", "error", err)
		}
	}
	return err
}

// name labels a Vulkan object for the messages of the validation layer.
func (d *Device) name(objectType int32, object uint64, text string) {
	if d.opt.Validate && text != "" {
		d.driver.Name(objectType, object, text)
	}
}
