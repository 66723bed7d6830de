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

// The first byte of a stored state: zstd of [diff.State.MarshalBinary], which has a version of its
// own, follows plainFormat, and the same sealed follows sealedFormat.
const (
	plainFormat  = 1
	sealedFormat = 2
)

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

// encodeState writes a state as it is stored, sealed with a key unless that is zero. One that could
// not be read again is refused with [ErrTooLarge].
func encodeState(s *diff.State, key diff.Key) ([]byte, error) {
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
	if key.IsZero() {
		return enc.EncodeAll(raw, append(make([]byte, 0, len(raw)/2+64), plainFormat)), nil
	}
	packed := enc.EncodeAll(raw, make([]byte, sealedHead, sealedHead+len(raw)/2+64))
	return seal(packed, key, s.ConferenceID)
}

// decodeState reads a meeting's stored state, with its key if it is sealed. A newer format is
// refused with [diff.ErrNewerVersion], what is no state, or is sealed with another key, with
// [diff.ErrCorruptState]. While too much is being read already it waits for that.
func decodeState(data []byte, key diff.Key, conferenceID string) (*diff.State, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: empty", diff.ErrCorruptState)
	}
	packed := data[1:]
	switch format := data[0]; {
	case format > sealedFormat:
		return nil, fmt.Errorf("%w: format %d, known up to %d", diff.ErrNewerVersion, format, sealedFormat)
	case format == sealedFormat:
		var err error
		if packed, err = unseal(data, key, conferenceID); err != nil {
			return nil, err
		}
	case format != plainFormat:
		return nil, fmt.Errorf("%w: format %d is none", diff.ErrCorruptState, format)
	}
	size, err := unpackedSize(packed)
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
	raw, err := dec.DecodeAll(packed, make([]byte, 0, size))
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
	id := lastToken(subject)
	if err := events.CheckConferenceID(id); err != nil {
		return id, fmt.Errorf("%w: at %s: %w", diff.ErrCorruptState, subject, err)
	}
	if want := StateSubject(id); subject != want {
		return id, fmt.Errorf("%w: at %s, its place is %s", diff.ErrCorruptState, subject, want)
	}
	return id, nil
}

// lastToken is where the id stands in the subject of a state or key.
func lastToken(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }
