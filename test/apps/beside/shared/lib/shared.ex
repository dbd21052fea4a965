defmodule Shared do
  def wine, do: Grapes.name()
end
