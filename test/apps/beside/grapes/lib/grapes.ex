defmodule Grapes do
  def name, do: "merlot"
end
