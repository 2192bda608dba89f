# Starts the embedded engine in a container as TGI's launcher would be: by TGI's environment variables and flags.
# STAND_IN_FAULT: silent (never answers), killed (takes memory until the kernel ends it), or broken (dies as a shard does).
set -u
case "${STAND_IN_FAULT:-}" in
  silent) exec sleep 600 ;;
  killed) exec "$STAND_IN_PYTHON" -c 'print("loading", flush=True); data = [bytes([7]) * 2**20 for _ in range(4096)]' ;;
  broken)
    echo "AttributeError: 'list' object has no attribute 'keys'"
    echo "ERROR text_generation_launcher: Shard 0 failed to start"
    exit 1
    ;;
esac
[ -z "${STAND_IN_LOG:-}" ] || printf '%b' "$STAND_IN_LOG"
exec "$STAND_IN_PYTHON" -P -m compose.embedded --model-id "$MODEL_ID" --hostname 0.0.0.0 --port "$PORT" --dtype float32 \
  --max-input-tokens "$MAX_INPUT_TOKENS" --max-total-tokens "$MAX_TOTAL_TOKENS" \
  --max-concurrent-requests "$MAX_CONCURRENT_REQUESTS" "$@"
