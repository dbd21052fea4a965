# The most gullible release there is: it answers every request with 200, or with the status that is its path, agrees to
# every upgrade, and then reads on. It remembers each request as it came, and GET /seen tells and forgets them: a line
# each, with how it ended, its head and its body. GET /headers/N answers with N bytes of headers; GET /health with 404 where
# HEALTH_HOST is set and it is asked for a different host. It reads to the letter of RFC 9112, and calls malformed what is not.
defmodule Upstream do
  def listen(port) do
    {:ok, _} = Agent.start_link(fn -> [] end, name: Seen)

    {:ok, listener} =
      :gen_tcp.listen(port, [:binary, active: false, reuseaddr: true, backlog: 1024])

    accept(listener)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    :gen_tcp.controlling_process(socket, spawn(fn -> serve(socket, "") end))
    accept(listener)
  end

  defp serve(socket, read) do
    case line(socket, read, "\r\n\r\n") do
      {:ok, head, rest} ->
        {ending, body, rest} = body(socket, head, rest)
        answer = answer(head)
        remember(ending, head, body)
        :gen_tcp.send(socket, answer)
        if ending == :complete, do: serve(socket, rest), else: :gen_tcp.close(socket)

      {:cut, ""} ->
        :gen_tcp.close(socket)

      {:cut, head} ->
        remember(:cut, head, "")
    end
  end

  defp body(socket, head, rest) do
    chunked = Regex.match?(~r/^transfer-encoding:/im, head)
    length = Regex.run(~r/^content-length: (\d+)\r$/im, head <> "\r\n")

    cond do
      chunked -> chunks(socket, rest, "")
      length -> bytes(socket, rest, length |> Enum.at(1) |> String.to_integer())
      true -> {:complete, "", rest}
    end
  end

  defp chunks(socket, rest, body) do
    with {:ok, size, rest} <- line(socket, rest, "\r\n"),
         true <- Regex.match?(~r/\A[0-9a-f]+\z/i, size),
         size = String.to_integer(size, 16),
         {:complete, chunk, rest} <- bytes(socket, rest, size),
         {:ok, after_chunk, rest} <- line(socket, rest, "\r\n") do
      cond do
        size == 0 -> trailers(socket, after_chunk, rest, body)
        after_chunk == "" -> chunks(socket, rest, body <> chunk)
        true -> {:malformed, body, ""}
      end
    else
      {:cut, _} -> {:cut, body, ""}
      {:cut, chunk, _} -> {:cut, body <> chunk, ""}
      _ -> {:malformed, body, ""}
    end
  end

  defp trailers(_socket, "", rest, body), do: {:complete, body, rest}

  defp trailers(socket, _trailer, rest, body) do
    case line(socket, rest, "\r\n") do
      {:ok, trailer, rest} -> trailers(socket, trailer, rest, body)
      {:cut, _} -> {:cut, body, ""}
    end
  end

  defp bytes(_socket, read, size) when byte_size(read) >= size do
    <<bytes::binary-size(size), rest::binary>> = read
    {:complete, bytes, rest}
  end

  defp bytes(socket, read, size) do
    case :gen_tcp.recv(socket, 0) do
      {:ok, more} -> bytes(socket, read <> more, size)
      {:error, _} -> {:cut, read, ""}
    end
  end

  defp line(socket, read, ending) do
    with [_] <- :binary.split(read, ending), {:ok, more} <- :gen_tcp.recv(socket, 0) do
      line(socket, read <> more, ending)
    else
      [line, rest] -> {:ok, line, rest}
      {:error, _} -> {:cut, read}
    end
  end

  defp answer("GET /seen " <> _) do
    lines = Agent.get_and_update(Seen, &{Enum.reverse(&1), []})
    answer(200, Enum.join(lines, "\n"))
  end

  defp answer(head) do
    status = Regex.run(~r{\A\S+ /([2-5]\d\d) }, head)

    cond do
      status ->
        answer(Enum.at(status, 1), "ok")

      head =~ ~r/^upgrade:/im ->
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: anything\r\n\r\n"

      head =~ ~r/\ACONNECT / ->
        "HTTP/1.1 200 OK\r\n\r\n"

      size = Regex.run(~r{\A\S+ /headers/(\d+) }, head) ->
        lines = String.duplicate("X-Line: " <> String.duplicate("a", 990) <> "\r\n", div(String.to_integer(Enum.at(size, 1)), 1000))
        "HTTP/1.1 200 -\r\n#{lines}Content-Length: 2\r\n\r\nok"

      head =~ ~r{\AGET /health } and not String.contains?(String.downcase(head), "\r\nhost: " <> System.get_env("HEALTH_HOST", "")) ->
        answer(404, "a different host")

      true ->
        answer(200, "ok")
    end
  end

  defp answer(status, body),
    do: "HTTP/1.1 #{status} -\r\nContent-Length: #{byte_size(body)}\r\n\r\n#{body}"

  defp remember(ending, head, body) do
    unless head =~ ~r{\AGET /(seen|health) } do
      Agent.update(Seen, &["#{ending} #{Base.encode64(head)} #{Base.encode64(body)}" | &1])
    end
  end
end

Upstream.listen(4000)
