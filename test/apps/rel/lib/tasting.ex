defmodule Tasting do
  def wine, do: System.get_env("WINE")
end
