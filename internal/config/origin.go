package config

import (
	"fmt"
	"strings"
)

// envPrefix begins the name of every environment variable of ours.
const envPrefix = "ROLLCALL_"

// Level says how a setting was given. A higher level wins.
type Level uint8

// The levels, lowest first.
const (
	Default Level = iota
	File
	Environment
	Flag
)

// Origin is where the value of a setting came from.
type Origin struct {
	Level Level
	// Name is the setting's as it is spelled there: --log-level, ROLLCALL_LOG_LEVEL or log_level.
	// For a secret read from a file it is the name of the setting that names the file.
	Name string
	// File and Line are the place in the settings file; empty on other levels.
	File string
	Line int
	// SecretFile is the file that a secret was read from, if it was.
	SecretFile string
}

// String says where the value came from, in few words.
func (o Origin) String() string {
	switch o.Level {
	case File:
		return fmt.Sprintf("%s:%d: %s", o.File, o.Line, o.Name)
	case Environment, Flag:
		return o.Name
	default:
		return "default"
	}
}

// Setting is one setting as it is in force, fit to be shown.
type Setting struct {
	Name   string // as its flag has it, without the dashes in front
	Group  string // the heading it stands under in the help
	Value  string // secrets masked
	Origin Origin
}

// EnvName returns the environment variable of the setting with that flag name.
func EnvName(setting string) string { return envPrefix + strings.ToUpper(FileKey(setting)) }

// FileKey returns the key in the settings file of the setting with that flag name.
func FileKey(setting string) string { return strings.ReplaceAll(setting, "-", "_") }
