// Package drivers names the drivers that exceptions are made for.
package drivers

// Lavapipe is VK_DRIVER_ID_MESA_LLVMPIPE.
const Lavapipe = 13
