defmodule Water do
  def name, do: "water"
end
