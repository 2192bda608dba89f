# Starts what a test wants in a container, by TGI's environment variables and flags. STAND_IN says which:
# engine (the embedded one), light (answers /health alone, at once), silent (never answers), greedy (takes memory until
# the kernel ends it), or broken (dies as a TGI shard does).
set -u
case "${STAND_IN:-engine}" in
  engine)
    exec "$STAND_IN_PYTHON" -P -m compose.embedded --model-id "$MODEL_ID" --hostname 0.0.0.0 --port "$PORT" \
      --dtype float32 --max-input-tokens "$MAX_INPUT_TOKENS" --max-total-tokens "$MAX_TOTAL_TOKENS" \
      --max-concurrent-requests "$MAX_CONCURRENT_REQUESTS" "$@"
    ;;
  light) exec "$STAND_IN_PYTHON" "$STAND_IN_ROOT/tests/docker/light.py" ;;
  silent)
    echo "INFO text_generation_launcher: Download: [1/2] -- ETA: 0:00:12"
    trap 'exit 0' TERM
    sleep 600 &
    wait
    ;;
  greedy) exec "$STAND_IN_PYTHON" -c 'print("loading", flush=True); held = [bytes([7]) * 2**20 for _ in range(4096)]' ;;
  broken)
    echo "AttributeError: 'list' object has no attribute 'keys'"
    echo "ERROR text_generation_launcher: Shard 0 failed to start"
    exit 1
    ;;
esac
