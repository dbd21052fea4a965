defmodule HelloTest do
  use ExUnit.Case

  import ExUnit.CaptureIO

  defp connect do
    {:ok, socket} = :gen_tcp.connect(~c"localhost", Hello.Server.port(), [:binary, active: false])
    socket
  end

  defp exchange(socket, request) do
    :ok = :gen_tcp.send(socket, request)
    {:ok, answer} = :gen_tcp.recv(socket, 0, 2_000)
    answer
  end

  test "says its version" do
    assert exchange(connect(), "GET / HTTP/1.1\r\n\r\n") =~
             ~r"^HTTP/1.1 200 OK\r\n.*\r\n\r\nhello 0\.1\.0\n$"s
  end

  test "is healthy" do
    assert exchange(connect(), "GET /health?deep=1 HTTP/1.1\r\n\r\n") =~ "200 OK"
  end

  test "echoes a body, and keeps the connection" do
    socket = connect()
    request = "POST /echo HTTP/1.1\r\ncontent-length: 4\r\n\r\nwine"
    assert exchange(socket, request) =~ ~r"200 OK.*\r\n\r\nwine$"s
    assert exchange(socket, request) =~ ~r"200 OK.*\r\n\r\nwine$"s
  end

  test "closes when asked" do
    socket = connect()
    assert exchange(socket, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n") =~ "connection: close"
    assert :gen_tcp.recv(socket, 0, 2_000) == {:error, :closed}
  end

  test "does not know other paths" do
    assert exchange(connect(), "GET /wine HTTP/1.1\r\n\r\n") =~ "404 Not Found"
  end

  test "migrate leaves a trace" do
    assert capture_io(&Hello.Release.migrate/0) == "migrated to hello 0.1.0\n"
  end

  test "a request that has begun is answered before the server stops" do
    socket = connect()
    :ok = :gen_tcp.send(socket, "POST /echo HTTP/1.1\r\ncontent-length: 4\r\n\r\nwi")
    Process.sleep(100)
    stopping = Task.async(fn -> Supervisor.terminate_child(Hello.Supervisor, Hello.Server) end)
    Process.sleep(100)
    assert exchange(socket, "ne") =~ ~r"200 OK.*\r\n\r\nwine$"s
    assert Task.await(stopping) == :ok
    {:ok, _pid} = Supervisor.restart_child(Hello.Supervisor, Hello.Server)
  end
end
