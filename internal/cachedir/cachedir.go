// Package cachedir says where the command keeps what it can make again:
// tuning and compiled pipelines.
package cachedir

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
)

// Variable is the environment variable that names the directory; the value
// "off" keeps nothing.
const Variable = "ANCHORVK_CACHE_DIR"

// ErrOff says that nothing is to be kept.
var ErrOff = errors.New("nothing is kept, because " + Variable + " is off")

// Dir returns the directory, absolute, from environment variables: the one
// that [Variable] names, else anchorvk in the user's cache directory, as
// [os.UserCacheDir] has it. It is not made; the owner alone should have access
// (mode 0700). Errors are [ErrOff] and that there is no place for it.
func Dir(get func(name string) string) (string, error) {
	return dir(get, runtime.GOOS)
}

func dir(get func(string) string, system string) (string, error) {
	switch value := get(Variable); value {
	case "":
	case "off":
		return "", ErrOff
	default:
		path, err := filepath.Abs(value)
		if err != nil {
			return "", fmt.Errorf("%s is %q: %w", Variable, value, err)
		}
		return path, nil
	}
	// Variables and what follows in them, the first that is set.
	places := []struct{ variable, below string }{{"XDG_CACHE_HOME", ""}, {"HOME", ".cache"}}
	switch system {
	case "windows":
		places = []struct{ variable, below string }{{"LocalAppData", ""}}
	case "darwin", "ios":
		places = []struct{ variable, below string }{{"HOME", "Library/Caches"}}
	}
	for _, p := range places {
		// A relative one is ignored, as the XDG specification has it.
		if base := get(p.variable); filepath.IsAbs(base) {
			return filepath.Join(base, p.below, "anchorvk"), nil
		}
	}
	return "", fmt.Errorf("no directory to keep things in: %s is not set to an absolute path; set %s", places[len(places)-1].variable, Variable)
}
