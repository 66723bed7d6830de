package config

import (
	"errors"
	"reflect"

	"github.com/alecthomas/kong"
)

// StreamMode says whether pushes are received over DingTalk's stream connection. The zero value, of
// settings that were not read by [Program], is off.
type StreamMode string

// The stream modes. StreamAuto is on where [Settings.StreamOffered] says so.
const (
	StreamAuto StreamMode = "auto"
	StreamOn   StreamMode = "true"
	StreamOff  StreamMode = "false"
)

// StreamOffered tells whether a stream connection is to be tried although nobody has asked for one:
// there are the credentials of an app, and no other way for pushes. Another program may have the
// app's connection where Rollcall is older than this mode: DingTalk gives each message to one of an
// app's connections, whichever that is.
func (s Settings) StreamOffered() bool {
	return s.Pushes.StreamMode == StreamAuto && s.DingTalk.AppKey != "" && s.DingTalk.AppSecret != "" && !s.Pushes.WebhookEnabled()
}

func parseStreamMode(text string) (StreamMode, error) {
	switch text {
	case "auto":
		return StreamAuto, nil
	case "true", "yes", "1":
		return StreamOn, nil
	case "false", "no", "0":
		return StreamOff, nil
	}
	return "", errors.New("must be auto, true or false")
}

// streamModes is a [kong.BoolMapper]: the flag alone stands for true, as it did when there were but
// two modes.
type streamModes struct{}

// IsBool implements [kong.BoolMapper].
func (streamModes) IsBool() bool { return true }

// Decode implements [kong.Mapper].
func (streamModes) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		target.Set(reflect.ValueOf(StreamOn))
		return nil
	}
	return decoder(parseStreamMode)(ctx, target)
}
