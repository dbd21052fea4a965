# Loads every module of a release, and says of each that cannot be loaded why, a line each. components/image/bootCheck.ts
# reads them.
# The VM itself says only that an on_load function has failed. What that has returned, which is what the loader of libraries has
# said where it loads a NIF, goes to the log.
IO.puts("decanter: begun")

:logger.set_primary_config(:level, :warning)
send_on = fn %{msg: said}, pid -> send(pid, {:said, said}) && :ignore end
:ok = :logger.add_primary_filter(:decanter, {send_on, self()})

# A reason of load_nif in a term of any shape.
find = fn
  _, {kind, text} when kind in [:load_failed, :bad_lib] and (is_list(text) or is_binary(text)) ->
    {kind, text}

  find, term when is_tuple(term) ->
    find.(find, Tuple.to_list(term))

  find, term when is_map(term) ->
    find.(find, Map.values(term))

  find, [head | tail] ->
    find.(find, head) || find.(find, tail)

  _, text when is_binary(text) ->
    if String.contains?(text, "Failed to load NIF library"), do: {:load_failed, text}

  _, _ ->
    nil
end

# What was said in the log is on its way for a moment.
reason_in_log = fn reason_in_log, wait ->
  receive do
    {:said, said} -> find.(find, said) || reason_in_log.(reason_in_log, 200)
  after
    wait -> nil
  end
end

load = fn module ->
  task = Task.async(fn -> Code.ensure_loaded(module) end)

  case Task.yield(task, 10_000) || Task.shutdown(task, :brutal_kill) do
    {:ok, {:module, _}} -> nil
    {:ok, {:error, reason}} -> reason
    _ -> :timeout
  end
end

line = fn text -> text |> to_string() |> String.split() |> Enum.join(" ") end

for beam <- Path.wildcard(Path.join(:code.root_dir(), "lib/*/ebin/*.beam")),
    module = beam |> Path.basename(".beam") |> String.to_atom(),
    failed = load.(module) do
  case failed == :on_load_failure && reason_in_log.(reason_in_log, 2_000) do
    {kind, text} -> IO.puts("decanter: #{kind} #{inspect(module)} #{line.(text)}")
    _ -> IO.puts("decanter: failed #{inspect(module)} #{failed}")
  end
end

if Code.ensure_loaded?(:crypto) do
  try do
    :crypto.strong_rand_bytes(1)
  rescue
    error -> IO.puts("decanter: load_failed :crypto #{line.(Exception.message(error))}")
  end
end

IO.puts("decanter: done")
