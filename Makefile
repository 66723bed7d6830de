# The steps of .ci/steps by their names; "make" lists them. Nothing stands here that does not stand there.
steps := $(shell .ci/steps --names)

.PHONY: help check $(steps)
help:
	@.ci/steps
	@printf '%-16s %s\n' check 'everything that a change has to pass (.ci/run)'

check:
	@.ci/run

$(steps):
	@.ci/steps $@
