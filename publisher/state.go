package publisher

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/semaphore"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// stateFormat is the first byte of a stored state: zstd of [diff.State.MarshalBinary], which has a
// version of its own.
const stateFormat = 1

const (
	// maxStateSize bounds a state unpacked, in bytes: several times what a meeting of ten thousand
	// people needs.
	maxStateSize = 4 << 20
	// maxUnpacked bounds the states that are being read at one time, in bytes unpacked. A message
	// of a few kilobytes may hold the largest state.
	maxUnpacked = 4 * maxStateSize
	// untoldSize bounds a state whose frame does not say how large it is: zstd leaves that out of
	// the smallest alone.
	untoldSize = 256
)

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
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
	})
	unpacking = semaphore.NewWeighted(maxUnpacked)
)

// encodeState writes a state as it is stored. One that could not be read again is refused with
// [ErrTooLarge].
func encodeState(s *diff.State) ([]byte, error) {
	raw, err := s.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if len(raw) > maxStateSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d can be read again", ErrTooLarge, len(raw), maxStateSize)
	}
	enc, err := packer()
	if err != nil {
		return nil, err
	}
	return enc.EncodeAll(raw, append(make([]byte, 0, len(raw)/2+64), stateFormat)), nil
}

// decodeState reads a stored state. A newer format is refused with [diff.ErrNewerVersion], what is
// no state with [diff.ErrCorruptState]. While too much is being read already it waits for that.
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
	size, err := unpackedSize(data[1:])
	if err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", diff.ErrCorruptState, err)
	}
	if err := unpacking.Acquire(context.Background(), size); err != nil {
		return nil, err
	}
	defer unpacking.Release(size)
	dec, err := unpacker()
	if err != nil {
		return nil, err
	}
	raw, err := dec.DecodeAll(data[1:], make([]byte, 0, size))
	if err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", diff.ErrCorruptState, err)
	}
	return diff.UnmarshalState(raw)
}

// unpackedSize is how many bytes a packed state has unpacked, at most.
func unpackedSize(packed []byte) (int64, error) {
	var frame zstd.Header
	if err := frame.Decode(packed); err != nil {
		return 0, err
	}
	switch size := frame.FrameContentSize; {
	case !frame.HasFCS:
		return untoldSize, nil
	case size > maxStateSize:
		return 0, fmt.Errorf("%d bytes, at most %d are read", size, maxStateSize)
	default:
		return int64(size), nil
	}
}

// meetingOf returns the meeting whose state has the subject. The error wraps [diff.ErrCorruptState]
// when that is the subject of no meeting's state: one of an impossible id, or of another shard.
func meetingOf(subject string) (string, error) {
	id := subject[strings.LastIndexByte(subject, '.')+1:]
	if err := events.CheckConferenceID(id); err != nil {
		return id, fmt.Errorf("%w: at %s: %w", diff.ErrCorruptState, subject, err)
	}
	if want := StateSubject(id); subject != want {
		return id, fmt.Errorf("%w: at %s, its place is %s", diff.ErrCorruptState, subject, want)
	}
	return id, nil
}
