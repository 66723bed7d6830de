package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// leastReserve is what a share of a small disk comes to at least, in bytes.
const leastReserve = 64 << 20

// Reserve is how much of a disk is to stay free: a share of it or a size. The zero value is none.
type Reserve struct {
	percent float64
	bytes   uint64
	text    string
}

// String returns the reserve as it was written.
func (r Reserve) String() string {
	if r.text == "" {
		return "0"
	}
	return r.text
}

// Floor is how many bytes of a disk of the size total are to stay free. A share is 64 MiB at least,
// a size as it is.
func (r Reserve) Floor(total uint64) uint64 {
	if r.percent > 0 {
		return max(uint64(r.percent/100*float64(total)), leastReserve)
	}
	return r.bytes
}

// reserves matches a share or a size.
var reserves = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?(%|[KMGT]i?B)$`)

// ParseReserve reads a share such as 5%, below 100%, or a size such as 64MB or 1GiB; 0 is none.
func ParseReserve(text string) (Reserve, error) {
	parts := reserves.FindStringSubmatch(text)
	if text == "0" {
		return Reserve{}, nil
	}
	if parts == nil {
		return Reserve{}, fmt.Errorf("%q is neither a share such as 5%% nor a size such as 64MB or 1GiB; 0 is none", text)
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return Reserve{}, fmt.Errorf("%q is no number", parts[1])
	}
	if parts[2] == "%" {
		if number >= 100 {
			return Reserve{}, fmt.Errorf("%s would leave nothing of the disk", text)
		}
		return Reserve{percent: number, text: text}, nil
	}
	size := number * unit(parts[2])
	if size > 1<<60 {
		return Reserve{}, fmt.Errorf("%s is more than any disk has", text)
	}
	return Reserve{bytes: uint64(size), text: text}, nil
}

// unit is how many bytes a unit is, such as MB or MiB.
func unit(name string) float64 {
	step := 1000.0
	if strings.Contains(name, "i") {
		step = 1024
	}
	size := 1.0
	for range strings.Index("KMGT", name[:1]) + 1 {
		size *= step
	}
	return size
}
