package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out)
		for left := uint64(100_000); left > 0; left-- {
			p.step(left - 1)
			time.Sleep(100 * time.Microsecond)
		}
		p.end()
		lines := strings.Split(out.String(), clearLine)
		assert.Empty(t, lines[0])
		assert.Equal(t, "256 of 100000 events read, 0 %", lines[1], "how long it takes is not known yet")
		assert.Equal(t, "49408 of 100000 events read, 49 %, 5s left", lines[25])
		assert.Len(t, lines, 51, "at most five times in each of ten seconds")
		assert.Empty(t, lines[len(lines)-1], "nothing stays")
	})
}

func TestProgressOfAShortReadingIsNotShown(t *testing.T) {
	var out bytes.Buffer
	short := newProgress(&out)
	for range progressEvery - 1 {
		short.step(0)
	}
	short.end()
	assert.Empty(t, out.String())
}

func TestProgressThatNobodySees(t *testing.T) {
	nobody := newProgress(nil)
	for range 1000 {
		nobody.step(0)
	}
	nobody.end()
	assert.Zero(t, nobody.drawn)
}
