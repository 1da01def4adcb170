//go:build !linux

package logly

import "errors"

// mountTmpfs fails: there is no tmpfs here.
func mountTmpfs(string, string) error { return errors.ErrUnsupported }

func unmount(string) error { return nil }
