//go:build !unix

package privatefile

import "io/fs"

const withoutWaiting = 0

// trusted trusts the user's own directories: there are no owners and modes to look at.
func trusted(fs.FileInfo) error { return nil }
