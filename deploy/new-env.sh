#!/bin/sh
# Prints the variables that docker-compose.yml requires, with new random secrets:
#
#     sh deploy/new-env.sh > .env
#
# Keep that file as you keep the data: without PIXELPOP_MASTER_KEY no stored prompt can be read.
set -eu
umask 077

hex() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }

cat <<END
# The bot whose MiniApp this is, from @BotFather.
TELEGRAM_BOT_TOKEN=

JWT_SECRET=$(hex)
PIXELPOP_MASTER_KEY=$(head -c 32 /dev/urandom | base64)

POSTGRES_PASSWORD=$(hex)
GATEWAY_DB_PASSWORD=$(hex)
DECIDER_DB_PASSWORD=$(hex)
WORKER_DB_PASSWORD=$(hex)
PROJECTOR_DB_PASSWORD=$(hex)
ERASER_DB_PASSWORD=$(hex)
WEBHOOKS_DB_PASSWORD=$(hex)
MESSAGES_DB_PASSWORD=$(hex)
AUDITOR_DB_PASSWORD=$(hex)

AWS_ACCESS_KEY_ID=pixelpop
AWS_SECRET_ACCESS_KEY=$(hex)
END
