package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// robotPath is where group robots take messages.
const robotPath = "/robot/send"

// robotReply is what a robot answers, always with HTTP status 200.
type robotReply struct {
	code    int
	message string
}

// What a robot answers, as https://open.dingtalk.com/document/orgapp/custom-robot-access has it.
var (
	robotOK        = robotReply{0, "ok"}
	robotBusy      = robotReply{-1, "system error"}
	robotNoJSON    = robotReply{40035, "invalid parameter: json"}
	robotBadToken  = robotReply{400101, "token is not exist"}
	robotBadType   = robotReply{400105, "unsupported msgtype"}
	robotTooLong   = robotReply{460101, "message too long"}
	robotThrottled = robotReply{410100, "send too fast, exceed 20 times per minute"}
	robotRefused   = robotReply{310000, "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"}
	robotContent   = robotReply{430104, "the content is not appropriate"}
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// serveRobot answers a message to a group robot.
func (s *Simulator) serveRobot(w http.ResponseWriter, r *http.Request) {
	body, apiErr := readBody(w, r)
	if apiErr != nil || r.Method != http.MethodPost {
		s.write(w, jsonReply(http.StatusBadRequest, map[string]string{"errmsg": "a POST of less than 1 MiB is wanted"}))
		return
	}
	answer, textCodes, kind := s.askRobot(r, body)
	s.logger.Debug("simulator: robot", "errcode", answer.code, "fault", kind)
	switch kind {
	case fault.RobotReset, fault.RobotLost:
		reset(w)
	case fault.RobotHTML:
		s.write(w, reply{status: http.StatusBadGateway, contentType: "text/html;charset=utf-8", body: []byte(htmlPage)})
	case fault.RobotHang:
		pause.For(r.Context(), maxHang)
		reset(w)
	default:
		reply := map[string]any{"errcode": answer.code, "errmsg": answer.message}
		if textCodes {
			reply["errcode"] = fmt.Sprint(answer.code)
		}
		s.write(w, jsonReply(http.StatusOK, reply))
	}
}

// askRobot lets a robot say a message, unless something is wrong with it or a fault is in its way.
// It returns the answer and the fault that keeps the client from getting it, if one does.
func (s *Simulator) askRobot(r *http.Request, body []byte) (answer robotReply, textCodes bool, kind fault.Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, query := s.now(), r.URL.Query()
	robot := s.robot(query.Get("access_token"))
	if robot == nil {
		return robotBadToken, false, ""
	}
	textCodes = robot.settings.TextCodes
	timestamp, err := strconv.ParseInt(query.Get("timestamp"), 10, 64)
	if err != nil || !robot.signed(query.Get("sign"), timestamp, now) {
		return robotRefused, textCodes, ""
	}
	if !robot.take(now.UnixMilli()) {
		return robotThrottled, textCodes, ""
	}
	if faults := s.struck(call{class: fault.ClassRobot}, now, fault.StageRobot); len(faults) > 0 {
		kind = faults[0].Kind
	}
	switch kind {
	case fault.RobotBusy:
		return robotBusy, textCodes, ""
	case fault.RobotThrottled:
		robot.block(now.UnixMilli())
		return robotThrottled, textCodes, ""
	case fault.RobotRefused:
		return robotRefused, textCodes, ""
	case fault.RobotBadToken:
		return robotBadToken, textCodes, ""
	case fault.RobotContent:
		return robotContent, textCodes, ""
	case fault.RobotReset, fault.RobotHTML:
		return robotReply{}, textCodes, kind
	}
	return robot.hear(body, now.UnixMilli()), textCodes, kind
}

// hear reads a message and has the robot say it.
func (r *robot) hear(body []byte, now int64) robotReply {
	var message struct {
		Type     string `json:"msgtype"`
		UUID     string `json:"msgUuid"`
		Markdown struct{ Title, Text string }
	}
	switch err := json.Unmarshal(body, &message); {
	case err != nil || message.Markdown.Title == "" || message.Markdown.Text == "":
		return robotNoJSON
	case message.Type != "markdown":
		return robotBadType
	case len(body) > maxMarkdown:
		return robotTooLong
	}
	r.say(RobotMessage{At: now, UUID: message.UUID, Title: message.Markdown.Title, Text: message.Markdown.Text})
	return robotOK
}
