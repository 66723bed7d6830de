package publisher

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// stateFormat is the first byte of a stored state: zstd of [diff.State.MarshalBinary], which has a
// version of its own.
const stateFormat = 1

// maxStateSize bounds a state unpacked, in bytes: far more than any meeting needs, far less than a
// machine has.
const maxStateSize = 64 << 20

// AllStates is the subject of every state, and of the mark that [Publisher.All] leaves.
const AllStates = statePrefix + ">"

const statePrefix = "rollcall.state."

// StateSubject is the subject of a meeting's state.
func StateSubject(conferenceID string) string {
	return statePrefix + strconv.Itoa(events.Shard(conferenceID)) + "." + conferenceID
}

// The coders are made once: they are costly to make and safe for concurrent use.
var (
	packer = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	})
	unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxStateSize))
	})
)

// encodeState writes a state as it is stored.
func encodeState(s *diff.State) ([]byte, error) {
	raw, err := s.MarshalBinary()
	if err != nil {
		return nil, err
	}
	enc, err := packer()
	if err != nil {
		return nil, err
	}
	return enc.EncodeAll(raw, append(make([]byte, 0, len(raw)/2+64), stateFormat)), nil
}

// decodeState reads a stored state. A newer format is refused with [diff.ErrNewerVersion], what is
// no state with [diff.ErrCorruptState].
func decodeState(data []byte) (*diff.State, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: empty", diff.ErrCorruptState)
	}
	switch format := data[0]; {
	case format > stateFormat:
		return nil, fmt.Errorf("%w: format %d, known up to %d", diff.ErrNewerVersion, format, stateFormat)
	case format != stateFormat:
		return nil, fmt.Errorf("%w: format %d is none", diff.ErrCorruptState, format)
	}
	dec, err := unpacker()
	if err != nil {
		return nil, err
	}
	raw, err := dec.DecodeAll(data[1:], nil)
	if err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", diff.ErrCorruptState, err)
	}
	return diff.UnmarshalState(raw)
}

// meetingOf returns the meeting whose state has the subject.
func meetingOf(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }
