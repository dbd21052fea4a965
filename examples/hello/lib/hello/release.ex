defmodule Hello.Release do
  @moduledoc """
  What a release does without mix.

  Decanter runs `bin/migrate` from the new image once per deploy, before the new release gets a request. With Ecto this
  would be `Ecto.Migrator.with_repo/2`; here the trace is a line in the log.
  """
  def migrate do
    IO.puts("migrated to hello #{Hello.Router.version()}")
  end
end
