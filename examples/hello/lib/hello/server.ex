defmodule Hello.Server do
  @moduledoc """
  A small HTTP/1.1 server: keep-alive, request bodies with a length, and a drain.

  An app would use Bandit or Cowboy, which drain by themselves. What they do is this: on SIGTERM accept no new
  connection, and let the requests that have begun finish.
  """
  use GenServer, shutdown: 30_000

  require Logger

  @max_body 1_000_000
  @idle_ms 60_000

  def start_link(opts), do: GenServer.start_link(__MODULE__, opts, name: __MODULE__)

  @doc "The port it listens on; useful when it was started with port 0."
  def port, do: GenServer.call(__MODULE__, :port)

  @impl true
  def init(opts) do
    Process.flag(:trap_exit, true)

    {:ok, listener} =
      :gen_tcp.listen(opts[:port], [
        :binary,
        packet: :http_bin,
        active: false,
        reuseaddr: true,
        nodelay: true,
        backlog: 1024
      ])

    in_flight = :counters.new(1, [])
    acceptor = spawn_link(fn -> accept(listener, in_flight) end)
    {:ok, %{listener: listener, acceptor: acceptor, in_flight: in_flight}}
  end

  @impl true
  def handle_call(:port, _from, state) do
    {:ok, port} = :inet.port(state.listener)
    {:reply, port, state}
  end

  @impl true
  def handle_info({:EXIT, pid, reason}, %{acceptor: pid} = state), do: {:stop, reason, state}

  @impl true
  def terminate(_reason, state) do
    Process.unlink(state.acceptor)
    :gen_tcp.close(state.listener)
    drain(state.in_flight)
    Logger.info("drained: every request that had begun is answered")
  end

  defp drain(in_flight) do
    if :counters.get(in_flight, 1) > 0 do
      Process.sleep(20)
      drain(in_flight)
    end
  end

  defp accept(listener, in_flight) do
    case :gen_tcp.accept(listener) do
      {:ok, socket} ->
        {:ok, pid} =
          Task.Supervisor.start_child(Hello.Connections, fn ->
            receive do: (:go -> serve(socket, in_flight))
          end)

        # The one who owns a socket keeps it open; hand it over before the first byte is read.
        :gen_tcp.controlling_process(socket, pid)
        send(pid, :go)
        accept(listener, in_flight)

      {:error, _closed} ->
        :ok
    end
  end

  defp serve(socket, in_flight) do
    :inet.setopts(socket, packet: :http_bin)

    with {:ok, {:http_request, method, {:abs_path, target}, _version}} <-
           :gen_tcp.recv(socket, 0, @idle_ms) do
      :counters.add(in_flight, 1, 1)

      keep_alive =
        try do
          answer(socket, to_string(method), target |> String.split("?") |> hd())
        after
          :counters.sub(in_flight, 1, 1)
        end

      if keep_alive, do: serve(socket, in_flight), else: :gen_tcp.close(socket)
    else
      _closed_idle_or_not_http -> :gen_tcp.close(socket)
    end
  end

  defp answer(socket, method, path) do
    with {:ok, headers} <- headers(socket, %{}),
         {:ok, body} <- body(socket, headers) do
      {status, answer} = call(method, path, body)
      close = String.downcase(headers["connection"] || "") == "close"

      :gen_tcp.send(socket, [
        "HTTP/1.1 #{status} #{reason(status)}\r\n",
        "content-type: text/plain; charset=utf-8\r\n",
        "content-length: #{byte_size(answer)}\r\n",
        if(close, do: "connection: close\r\n", else: []),
        "\r\n",
        answer
      ]) == :ok and not close
    else
      _broken -> false
    end
  end

  defp call(method, path, body) do
    Hello.Router.call(method, path, body)
  rescue
    error ->
      Logger.error(Exception.format(:error, error, __STACKTRACE__))
      {500, "internal server error\n"}
  end

  defp headers(socket, headers) do
    case :gen_tcp.recv(socket, 0, @idle_ms) do
      {:ok, {:http_header, _, name, _, value}} ->
        headers(socket, Map.put(headers, String.downcase(to_string(name)), value))

      {:ok, :http_eoh} ->
        {:ok, headers}

      _broken ->
        :error
    end
  end

  defp body(socket, headers) do
    :inet.setopts(socket, packet: :raw)

    case Integer.parse(headers["content-length"] || "0") do
      {0, ""} -> {:ok, ""}
      {length, ""} when length in 1..@max_body -> :gen_tcp.recv(socket, length, @idle_ms)
      _too_large_or_no_number -> :error
    end
  end

  defp reason(200), do: "OK"
  defp reason(404), do: "Not Found"
  defp reason(500), do: "Internal Server Error"
end
