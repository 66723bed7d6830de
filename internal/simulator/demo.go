package simulator

import (
	_ "embed"
	"sync"
)

//go:embed demo.yaml
var demoYAML []byte

var parsedDemo = sync.OnceValues(func() (*Scenario, error) { return ParseScenario(demoYAML) })

// Demo returns the scenario that ships with Rollcall: three meetings, lively from the first second,
// one of which never ends. It is not to be changed.
func Demo() *Scenario {
	sc, err := parsedDemo()
	if err != nil {
		panic(err) // the file is part of the program and tested
	}
	return sc
}
